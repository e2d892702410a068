// One block at a time on one operating-system thread: fibers, turns, barriers and collectives.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "core/simt/checker.h"
#include "core/simt/fiber.h"
#include "core/simt/runtime.h"
#include "core/simt/simulator.h"

namespace tinct::simt {

/// Thrown by Worker::run_block, on the scheduler's stack, when the kernel cannot go on.
struct Stopped {
  Incident incident;
  bool reported = false;  ///< the checker knows it already
};

struct AsyncCopy {
  void* shared;
  const void* global;
  unsigned size, bytes;
  unsigned group;
};

struct Thread {
  enum class State : std::uint8_t { fresh, ready, at_barrier, at_collective, done };

  Index index;
  State state = State::fresh;
  Collective kind{};
  unsigned mask = 0;
  int predicate = 0;
  Exchange* exchange = nullptr;  ///< on the thread's own stack, while at_collective
  Site site;
  const void* pc = nullptr;  ///< where it called the barrier or collective
  Fiber* fiber = nullptr;
  std::vector<AsyncCopy> copies;  ///< not yet waited for, oldest first
  unsigned group = 0;             ///< groups committed so far
};

class Worker {
 public:
  ~Worker();

  /// `checker` may be null. Throws Stopped, or what the kernel threw.
  void run_block(const Request& request, Index block, const Order& order, Checker* checker);

  // Called on fibers.
  int barrier(int predicate, Site site, const void* pc);
  void collective(Collective kind, unsigned mask, Exchange& exchange, Site site, const void* pc);
  void async_copy(const AsyncCopy& copy, const void* pc);
  void async_commit();
  void async_wait(unsigned pending, const void* pc);
  /// Gives up the block. `reported`: the checker knows the incident already. Also for the
  /// scheduler's own use.
  [[noreturn]] void stop(Incident incident, bool reported = false);

  Checker* checker() const { return checker_; }
  unsigned current() const { return current_; }
  const Thread& thread(unsigned t) const { return threads_[t]; }
  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }
  Index block() const { return block_; }
  /// "thread (33,0,0) of block (0,0,0)"
  std::string describe(unsigned thread) const;
  bool on_stack_of(unsigned thread, std::uintptr_t address) const {
    return threads_[thread].fiber->owns(reinterpret_cast<const void*>(address));
  }
  /// Whether it is dynamic shared memory, or so close to it that writing there is safe.
  bool near_dynamic(std::uintptr_t address) const;
  bool on_any_stack(std::uintptr_t address) const;

  /// This operating-system thread's.
  static Worker& here();
  /// The one whose fiber is running now on this thread, or null on the scheduler and elsewhere.
  static Worker* running();

 private:
  static void fiber_main();

  void prepare(const Request& request, Index block);
  void take_turns(const Order& order);
  void step(unsigned thread);
  void leave();
  void arrive(unsigned thread);
  void release_barrier();
  [[noreturn]] void stuck() const;
  [[noreturn]] void fail(Fault fault, const std::string& text, unsigned thread) const;

  std::vector<Thread> threads_;
  std::vector<unsigned> turns_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  std::vector<unsigned> arrived_;  ///< of each warp, the lanes at a collective
  std::unique_ptr<std::byte[]> dynamic_;
  std::size_t dynamic_bytes_ = 0;

  const Request* request_ = nullptr;
  Checker* checker_ = nullptr;
  Index block_;
  unsigned current_ = 0;
  unsigned live_ = 0, waiting_ = 0;
  int predicates_ = 0;
  std::exception_ptr thrown_;
  std::unique_ptr<Stopped> stopped_;
};

/// The exchange among the lanes of `mask`. "" or what is wrong with it, and `offender` then is a
/// lane.
std::string exchange(Collective kind, unsigned mask, const std::array<Exchange*, 32>& lanes,
                     unsigned& offender);
const char* name(Collective kind);

}  // namespace tinct::simt
