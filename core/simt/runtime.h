// What the simulator's face of the launch header calls: launching, barriers, collectives, atomics.
// Kernels do not include it; tests and tools see core/simt/simulator.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct::simt {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

/// The built-in variables of the thread that runs now, in thread-local storage so that reading one
/// is one load. The scheduler sets them at every switch.
struct Here {
  Index thread, block, block_dim, grid_dim;
  void* dynamic_shared = nullptr;
};
extern constinit thread_local Here here;

/// Where in a kernel something was called; file is never null.
struct Site {
  const char* file = "";
  int line = 0;
};

struct Request {
  Index grid, block;
  std::size_t shared_bytes = 0;
  void (*body)(const void* parameters) = nullptr;  ///< one thread of the kernel
  const void* parameters = nullptr;
  std::size_t parameter_bytes = 0;
  bool checked = false;          ///< the kernel was compiled with load and store hooks
  const void* kernel = nullptr;  ///< the function, for its name
  Site site;
};

/// Runs every thread of every block. Throws std::invalid_argument for a grid or block that CUDA
/// would refuse, and KernelFault (core/simt/simulator.h) for a fault that stops the kernel.
void run(const Request& request);

/// __syncthreads and its kin: how many threads of the block gave a non-zero predicate.
int barrier(int predicate, Site site);

enum class Collective : std::uint8_t {
  sync,
  shuffle,
  ballot,
  match,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_min_signed,
  reduce_max_signed,
  reduce_and,
  reduce_or,
  reduce_xor,
  mma_bf16,
  load_matrix,
  mma_tf32,
};

/// What a lane brings to a collective, and what it takes away.
struct Exchange {
  std::uint64_t value = 0;  ///< shuffle, match, reductions, ballot, load_matrix (an address)
  unsigned argument = 0;    ///< shuffle: the source lane; load_matrix: count, +8 if transposed
  std::uint32_t registers[10]{};  ///< mma: a[4], b[2], d[4]; load_matrix: the result
};

/// Waits until the lanes of `mask` have all come, with the same kind and mask, then exchanges.
void collective(Collective kind, unsigned mask, Exchange& exchange, Site site);

enum class AtomicOp : std::uint8_t { add, min, max, exchange, compare_exchange, and_, or_, xor_ };

/// The old value. T: int, unsigned, unsigned long long, float or double.
template <class T>
T atomic(AtomicOp op, T* p, T value, T compare = T());

/// Queues a copy of `bytes` from global to shared memory, the rest of `size` zeros; it happens in
/// async_wait.
void async_copy(void* shared, const void* global, unsigned size, unsigned bytes);
void async_commit();
/// Performs this thread's committed groups but for the latest `pending`.
void async_wait(unsigned pending);

/// The kernel stops with this message.
[[noreturn]] void trap(const char* message, Site site);

}  // namespace tinct::simt
