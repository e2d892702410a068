// The SIMT simulator as its users see it: the order threads run in, and what a checked launch
// found.
//
// Kernels compiled with load and store hooks (the checked build) are checked in every launch. While
// a Session lives on the launching thread it collects what they do; otherwise a launch that finds a
// fault throws KernelFault when it is over.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tinct::simt {

/// What a kernel did wrong.
enum class Fault {
  out_of_bounds,      ///< device memory outside a live allocation, shared memory outside an array
  uninitialised,      ///< read before anything was written
  race,               ///< two threads, one byte, at least one writes, nothing to order them
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

/// One fault at one place; later ones like it only count.
struct Finding {
  Fault fault{};
  std::string where;  ///< "kernels/max_pool.cu:41"
  std::string text;   ///< "thread (33,0,0) of block (0,0,0) reads 4 bytes ..."
  std::uint64_t count = 1;
};
/// "kernels/max_pool.cu:41: race: thread (33,0,0) ..."
std::string to_string(const Finding& finding);

/// A launch that went wrong; what() names the first findings.
struct KernelFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Space : std::uint8_t { global, shared };
enum class Access : std::uint8_t { read, write, atomic };

/// What one source line did to one kind of memory, summed over warps. These are accesses of the
/// source: nvcc may merge or hoist some.
struct LineCount {
  std::string where;
  Space space{};
  Access access{};
  std::uint64_t lanes = 0;          ///< accesses of single threads
  std::uint64_t bytes = 0;          ///< of all lanes
  std::uint64_t requests = 0;       ///< of whole warps: the k-th time its lanes come by
  std::uint64_t sectors = 0;        ///< global: 32-byte sectors that the requests touch
  std::uint64_t ideal_sectors = 0;  ///< global: what their distinct bytes would fill
  std::uint64_t waves = 0;          ///< shared: passes over the banks
  std::uint64_t ideal_waves = 0;    ///< shared: the same without conflicts
  std::uint64_t collisions = 0;     ///< atomics: lanes that wait for another of their request
};

/// The arithmetic of one source line, summed over threads, as g++ -O1 left it (without contracting
/// a multiplication and an addition). What tensor cores and atomics compute is not in it.
struct FlopCount {
  std::string where;
  std::uint64_t flops = 0;    ///< + - * / and square roots, of float and double
  std::uint64_t special = 0;  ///< calls of expf, tanhf, powf and their kin
};

/// What the launches of one kernel with one grid did, summed over them.
struct LaunchCount {
  std::string kernel;  ///< its full name; "?" in a stripped program
  std::string where;   ///< where it is written: "kernels/activation.cu:14"
  std::array<unsigned, 3> grid{}, block{};
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
  std::uint64_t launches = 0;
  std::uint64_t sectors = 0;  ///< of device memory, all requests of all blocks
  /// The same, but each sector that a block reads counted once, whatever it reads again: what
  /// reaches the second cache when the first keeps a block's data. All that is written counts.
  std::uint64_t block_sectors = 0;
  std::uint64_t waves = 0;     ///< of shared memory
  std::uint64_t requests = 0;  ///< of warps to device memory
  std::uint64_t tensor_ops = 0;
};

struct Report {
  std::vector<Finding> findings;     ///< in order of appearance
  std::vector<LineCount> lines;      ///< by file and line
  std::vector<LaunchCount> kernels;  ///< in order of appearance
  std::vector<FlopCount> flops;      ///< by file and line, where flops_counted
  bool flops_counted = false;        ///< asked for, on x86-64, with objdump at hand
  std::uint64_t launches = 0, blocks = 0, threads = 0;
  std::uint64_t barriers = 0;     ///< of whole blocks
  std::uint64_t collectives = 0;  ///< of warps, tensor-core operations included
  std::uint64_t tensor_ops =
      0;  ///< mma.sync: m16n8k16 of bf16, 4096 FLOPs, or m16n8k8 of tf32, half

  /// The lines of one kind added up; `where` is empty.
  LineCount total(Space space, Access access) const;
  FlopCount total_flops() const;
  bool has(Fault fault) const;
};

/// Collects what checked kernels do on this thread while it lives; launches then throw for nothing
/// that a kernel does. Sessions nest: the innermost collects.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// So far.
  Report report() const;
  /// A thread that makes this many accesses without waiting counts as endless; 2^32 at first.
  void set_step_limit(std::uint64_t accesses);
  /// Launches from now on also count floating-point operations; the report then reads the program's
  /// machine code, which takes some milliseconds.
  void count_flops();

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// Whether checked launches know what was written to device memory before them: at first, in
/// programs with checked kernels. A program that seldom runs them saves the time and the memory of
/// keeping that; memory that it allocates meanwhile counts as written.
void track_writes(bool on);

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
