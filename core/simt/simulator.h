// The SIMT simulator as its users see it: the order threads run in, and what a checked run found.
//
// Kernels compiled with load and store hooks (the checked build) are checked in every launch. While
// a Session lives on the launching thread it collects what they do; otherwise a launch that finds a
// fault throws KernelFault when it is over.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tinct::simt {

/// What a kernel did wrong.
enum class Fault {
  out_of_bounds,  ///< device memory outside a live allocation, or shared memory outside an array
  uninitialised,  ///< read before anything was written
  race,           ///< two threads, one word, at least one write, nothing to order them
  divergent_barrier,  ///< some threads wait at a barrier that others never reach
  absent_lane,        ///< a lane of a collective's mask is elsewhere or has left
  mixed_collective,   ///< lanes of one collective call different ones
  host_pointer,       ///< memory of the host, or of another thread's stack
  misaligned,         ///< an address that is not a multiple of the access's size
  async_copy,         ///< shared memory used while a cp.async into it is under way
  endless,            ///< a thread that never gets on
  trap,               ///< __trap()
};
const char* name(Fault fault);

/// One fault, at one place; later ones like it only count.
struct Finding {
  Fault fault{};
  std::string where;  ///< "kernels/max_pool.cu:41"
  std::string text;   ///< "thread (33,0,0) of block (0,0,0) reads 4 bytes 4 past the end of ..."
  std::uint64_t count = 1;
};

/// A launch that went wrong; what() names the first findings.
struct KernelFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// In which order the threads of a block, and the blocks of a grid, take their turns. Nothing that
/// a correct kernel computes depends on it.
struct Order {
  enum Kind { forward, reversed, random } kind = forward;
  std::uint64_t seed = 0;
};
/// For launches from now on, on any thread. Before the first call it is what the environment
/// variable TINCT_SIMT_ORDER says: forward (the default), reversed, or random:SEED.
void set_order(Order order);
Order order();

}  // namespace tinct::simt
