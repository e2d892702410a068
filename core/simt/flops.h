// Floating-point operations by source line: how often each straight piece of a checked kernel ran,
// and the arithmetic in its machine code.
//
// g++ -fsanitize-coverage=trace-pc calls a hook (hooks.cpp) at the head of every basic block. What
// lies between two hooks runs as one, so its instructions are counted once, by reading them, and
// not while the kernel runs.
#pragma once

#include <cstdint>
#include <vector>

#include "core/simt/place.h"
#include "core/simt/simulator.h"

namespace tinct::simt {

/// How often the threads of kernels came by each hook, by the address that it returns to.
class Passes {
 public:
  Passes() : code_(code()), counts_((code_.end - code_.begin) / kStep + 1) {}

  void add(const void* pc) {
    const std::uintptr_t at = (reinterpret_cast<std::uintptr_t>(pc) - code_.begin) / kStep;
    if (at < counts_.size()) {
      Count& count = counts_[at];
      count.pc = pc;
      ++count.passes;
    }
  }

  struct Count {
    const void* pc = nullptr;
    std::uint64_t passes = 0;
  };
  /// Those that were passed, by address.
  std::vector<Count> passed() const;

 private:
  // Return addresses are further apart than that: a call takes five bytes.
  static constexpr std::uintptr_t kStep = 4;

  Range code_;
  std::vector<Count> counts_;
};

/// Whom the hook tells, on this thread; null, as on threads that run no kernel: nobody.
extern constinit thread_local Passes* passing;

/// Tells `passes` while it lives.
class Passing {
 public:
  explicit Passing(Passes* passes) { passing = passes; }
  ~Passing() { passing = nullptr; }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
};

/// The arithmetic of all that was passed, by file and line, into `report`. Reads the program with
/// objdump of binutils; without it, or on another processor than x86-64, nothing is counted.
void add_flops(Report& report, const Passes& passes);

}  // namespace tinct::simt
