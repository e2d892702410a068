// What a checked launch watches: every load and store, atomic, barrier and collective.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/simt/arena.h"
#include "core/simt/counts.h"
#include "core/simt/place.h"
#include "core/simt/runtime.h"
#include "core/simt/shadow.h"
#include "core/simt/simulator.h"

namespace tinct::simt {

class Worker;
struct AsyncCopy;

/// A finding whose places are not looked up yet.
struct Incident {
  Fault fault{};
  Site site;
  const void* pc = nullptr;
  std::string text;
  const void* other_pc = nullptr;  ///< the place that ends the text
  std::uint64_t count = 1;
};
Finding to_finding(const Incident& incident);

/// Watches one launch.
class Checker {
 public:
  Checker(const Request& request, std::uint64_t step_limit);

  // From the scheduler.
  void begin_block(Worker& worker);
  void end_block();
  void barrier();
  void collective(Collective kind, unsigned warp, unsigned mask,
                  const std::array<Exchange*, 32>& lanes);

  // From a fiber; the thread is the current one. They do not return when the kernel cannot go on.
  void access(std::uintptr_t address, std::size_t bytes, Access access, const void* pc);
  void async_issue(const AsyncCopy& copy, const void* pc);
  void async_complete(const AsyncCopy& copy, const void* pc);

  void add(const Incident& incident);
  const std::vector<Incident>& incidents() const { return incidents_; }
  /// Adds what was counted.
  void add_to(Report& report) const;

 private:
  void one(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
           const void* pc);
  void global(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
              const void* pc);
  void shared(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
              const void* pc, Shadow& shadow);
  bool outside_array(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
                     const void* pc);
  void stray(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
             const void* pc);
  void report(Fault fault, unsigned thread, const void* pc, const std::string& text,
              const void* other_pc = nullptr);
  void conflict(const Shadow::Conflict& found, unsigned thread, std::size_t bytes, Access access,
                const void* pc);
  bool seen(Fault fault, const void* pc);
  LaunchCount launch_count() const;

  const Request& request_;
  std::uint64_t step_limit_;
  Worker* worker_ = nullptr;

  Range parameters_, statics_, dynamic_, built_ins_;
  Shadow static_shadow_, dynamic_shadow_;
  Ordering ordering_;
  Counts counts_;
  std::unordered_map<std::uintptr_t, const void*> arriving_;  ///< words of cp.async under way

  unsigned stepping_ = 0;  ///< the thread whose accesses steps_ counts since it last waited
  std::uint64_t steps_ = 0;

  std::vector<Incident> incidents_;
  std::map<std::pair<Fault, const void*>, std::size_t> known_;
  Report counted_;  ///< all but findings and lines
};

/// Adds a line to a report, or to the line it already has.
void add_line(Report& report, const LineCount& line);
void add_line(Report& report, const FlopCount& line);
/// The same for a launch.
void add_launch(Report& report, const LaunchCount& launch);

/// Runs `blocks` on a checker and hands what it found to the innermost Session; without one, throws
/// KernelFault when something was found.
void run_checked(const Request& request, const std::function<void(Checker&)>& blocks);

/// An access of a kernel that is not an instrumented load or store; nothing unless it is checked.
void kernel_access(const void* address, std::size_t bytes, Access access, const void* pc);

/// The shadow of a live allocation of device memory.
Shadow& shadow_of(const Allocation& allocation);
/// The allocation there has been released.
void forget_shadow(std::uintptr_t begin);

/// The host copies into or out of device memory. Throw std::invalid_argument for memory that is not
/// within a live allocation.
void host_writes(const void* to, std::size_t bytes);
void host_reads(const void* from, std::size_t bytes);
/// A launch without hooks begins: what it writes will not be known.
void unchecked_launch();

/// Whether what is written to device memory is remembered: true in programs with checked kernels.
extern constinit bool writes_tracked;

}  // namespace tinct::simt
