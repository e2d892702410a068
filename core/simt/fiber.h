// A stack of its own for each thread of a block, and switching between them and the scheduler.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(TINCT_SIMT_UCONTEXT)
#define TINCT_SIMT_UCONTEXT
#endif
#if defined(TINCT_SIMT_UCONTEXT)
#include <ucontext.h>
#endif

namespace tinct::simt {

/// Runs `entry` on its own stack whenever resumed, until it suspends. entry never returns and no
/// exception leaves it. A fiber stays on the operating-system thread that first resumed it, because
/// compilers keep thread-local addresses across calls; it may be destroyed at any time it is
/// suspended, and what its stack holds is then dropped undestroyed.
class Fiber {
 public:
  explicit Fiber(void (*entry)());
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Switches to the fiber; returns when it suspends.
  void resume();
  /// Called on the fiber: back to resume()'s caller.
  void suspend();

  bool owns(const void* address) const {
    return address >= stack_ && address < stack_ + kStackBytes;
  }

  /// Touched pages alone cost memory. Under the sanitizers frames are several times as large.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t kStackBytes = 256 * 1024;
#else
  static constexpr std::size_t kStackBytes = 64 * 1024;
#endif

 private:
  static void start();

  void (*entry_)();
  std::byte* mapping_;  // a guard page below the stack
  std::byte* stack_;
#if defined(TINCT_SIMT_UCONTEXT)
  ucontext_t self_, caller_;
#else
  void* self_ = nullptr;  // stack pointers while not running
  void* caller_ = nullptr;
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack_ = nullptr;
  void* caller_fake_stack_ = nullptr;
  const void* caller_bottom_ = nullptr;
  std::size_t caller_bytes_ = 0;
#endif
};

}  // namespace tinct::simt
