// What a checked launch watches: every load and store, atomic, barrier and collective.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/simt/runtime.h"
#include "core/simt/simulator.h"
#include "core/simt/worker.h"

namespace tinct::simt {

enum class Access : std::uint8_t { read, write, atomic };

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void begin_block(Worker&, const Request&) {}
  virtual void end_block() {}
  virtual void barrier() {}
  virtual void collective(Collective, unsigned, unsigned, const std::array<Exchange*, 32>&) {}
  virtual void async_issue(const AsyncCopy&, const void*) {}
  virtual void async_complete(const AsyncCopy&, const void*) {}
};

/// Runs `blocks` on a checker; throws KernelFault when something was found.
void run_checked(const Request& request, const Order& order,
                 const std::function<void(Checker&)>& blocks);

/// Called before any access of a kernel that is not an instrumented load or store.
void kernel_access(const void* address, std::size_t bytes, Access kind, const void* pc);

/// The host copies into or out of device memory. Throw KernelFault for memory outside a live
/// allocation.
void host_writes(const void* to, std::size_t bytes);
void host_reads(const void* from, std::size_t bytes);
/// A launch without hooks: what it writes is not known.
void unchecked_launch();

/// "kernels/max_pool.cu:41: race: ..."
std::string to_string(const Finding& finding);

}  // namespace tinct::simt
