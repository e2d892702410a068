// Kernels that are wrong on purpose; the line to be reported ends in the fault's name.
#include "tests/simt/faults.h"

#include "core/simt/ptx.h"
#include "core/simt/simt.h"

namespace tinct::gpu {
namespace {

__global__ void missing_barrier(FaultBuffers b) {
  __shared__ float tile[64];
  tile[threadIdx.x] = b.x[threadIdx.x];
  b.y[threadIdx.x] = tile[63 - threadIdx.x];  // fault: missing_barrier
}

__global__ void reuse_without_barrier(FaultBuffers b) {
  __shared__ float tile[64];
  tile[threadIdx.x] = b.x[threadIdx.x];
  __syncthreads();
  const float first = tile[63 - threadIdx.x];
  tile[threadIdx.x] = 2 * first;  // fault: reuse_without_barrier
  __syncthreads();
  b.y[threadIdx.x] = first + tile[63 - threadIdx.x];
}

__global__ void warp_without_sync(FaultBuffers b) {
  __shared__ float tile[32];
  tile[threadIdx.x] = b.x[threadIdx.x];
  b.y[threadIdx.x] = tile[(threadIdx.x + 1) % 32];  // fault: warp_without_sync
}

__global__ void half_a_warp_synchronised(FaultBuffers b) {
  __shared__ float tile[32];
  tile[threadIdx.x] = b.x[threadIdx.x];
  if (threadIdx.x < 16) __syncwarp(0xFFFFu);
  if (threadIdx.x == 3) b.y[0] = tile[20];  // fault: half_a_warp_synchronised
}

__global__ void divergent_barrier(FaultBuffers b) {
  if (threadIdx.x < 16) __syncthreads();  // fault: divergent_barrier
  b.y[threadIdx.x] = 1;
}

__global__ void two_barriers(FaultBuffers b) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();  // fault: two_barriers
  }
  b.y[threadIdx.x] = 1;
}

__global__ void return_before_barrier(FaultBuffers b) {
  if (threadIdx.x == 40) return;
  b.y[threadIdx.x] = 1;
  __syncthreads();  // fault: return_before_barrier
}

__global__ void absent_lane(FaultBuffers b) {
  float v = b.x[threadIdx.x];
  if (threadIdx.x % 32 < 16) {
    v = __shfl_xor_sync(kFullMask, v, 1);  // fault: absent_lane
  }
  __syncthreads();
  b.y[threadIdx.x] = v;
}

__global__ void shuffle_after_exit(FaultBuffers b) {
  if (threadIdx.x >= 16) return;
  b.y[threadIdx.x] = __shfl_down_sync(kFullMask, b.x[threadIdx.x], 1);  // fault: shuffle_after_exit
}

__global__ void not_in_own_mask(FaultBuffers b) {
  b.y[threadIdx.x] = __shfl_sync(0x0000FFFFu, b.x[threadIdx.x], 0);  // fault: not_in_own_mask
}

__global__ void source_not_in_mask(FaultBuffers b) {
  if (threadIdx.x < 16) {
    b.y[threadIdx.x] = __shfl_xor_sync(0xFFFFu, b.x[threadIdx.x], 16);  // fault: source_not_in_mask
  }
}

__global__ void mixed_collective(FaultBuffers b) {
  if (threadIdx.x < 16) {
    b.words[0] = __ballot_sync(kFullMask, 1);  // fault: mixed_collective
  } else {
    __syncwarp();
  }
}

__global__ void uninitialised_shared(FaultBuffers b) {
  __shared__ float tile[33];
  tile[threadIdx.x] = b.x[threadIdx.x];
  __syncthreads();
  b.y[threadIdx.x] = tile[threadIdx.x + 1];  // fault: uninitialised_shared
}

__global__ void left_by_the_last_block(FaultBuffers b) {
  float* tile = dynamic_shared<float>();
  if (blockIdx.x == 0) tile[threadIdx.x] = b.x[threadIdx.x];
  b.y[32 * blockIdx.x + threadIdx.x] = tile[threadIdx.x];  // fault: left_by_the_last_block
}

__global__ void uninitialised_global(FaultBuffers b) {
  b.y[threadIdx.x] = b.fresh[threadIdx.x];  // fault: uninitialised_global
}

__global__ void read_past_the_end(FaultBuffers b) {
  b.y[threadIdx.x] = b.x[threadIdx.x + 1];  // fault: read_past_the_end
}

__global__ void write_past_the_end(FaultBuffers b) {
  b.y[threadIdx.x + 1] = b.x[threadIdx.x];  // fault: write_past_the_end
}

__global__ void write_before_the_start(FaultBuffers b) {
  b.y[static_cast<long>(threadIdx.x) - 1] = 1;  // fault: write_before_the_start
}

__global__ void dynamic_too_small(FaultBuffers b) {
  float* tile = dynamic_shared<float>();
  tile[threadIdx.x] = b.x[threadIdx.x];  // fault: dynamic_too_small
}

__global__ void host_pointer(FaultBuffers b) {
  b.y[threadIdx.x] = b.host[threadIdx.x];  // fault: host_pointer
}

__global__ void null_pointer(FaultBuffers b, const float* nothing) {
  b.y[threadIdx.x] = nothing[threadIdx.x];  // fault: null_pointer
}

__global__ void misaligned(FaultBuffers b) {
  const float4 v = reinterpret_cast<const float4*>(b.x + 1)[threadIdx.x];  // fault: misaligned
  b.y[threadIdx.x] = v.x + v.y + v.z + v.w;
}

__global__ void two_blocks_one_word(FaultBuffers b) {
  if (threadIdx.x == 0) b.y[0] = static_cast<float>(blockIdx.x);  // fault: two_blocks_one_word
}

__global__ void block_reads_another(FaultBuffers b) {
  const unsigned i = 32 * blockIdx.x + threadIdx.x;
  b.y[i] = 1;
  if (blockIdx.x > 0) b.y[i] += b.y[i - 32];  // fault: block_reads_another
}

__global__ void atomic_and_store(FaultBuffers b) {
  if (threadIdx.x < 31) atomicAdd(&b.words[0], 1u);
  if (threadIdx.x == 31) b.words[0] = 0;  // fault: atomic_and_store
}

__global__ void copy_without_wait(FaultBuffers b) {
  __shared__ __align__(16) float tile[128];
  async_copy_16(&tile[4 * threadIdx.x], &b.x[4 * threadIdx.x]);
  async_commit();
  __syncthreads();
  b.y[threadIdx.x] = tile[threadIdx.x];  // fault: copy_without_wait
}

__global__ void copy_without_barrier(FaultBuffers b) {
  __shared__ __align__(16) float tile[128];
  async_copy_16(&tile[4 * threadIdx.x], &b.x[4 * threadIdx.x]);
  async_commit();
  async_wait<0>();
  b.y[threadIdx.x] = tile[127 - threadIdx.x];  // fault: copy_without_barrier
}

__global__ void endless(FaultBuffers b) {
  volatile unsigned* flag = b.words;
  while (*flag == 0) {  // fault: endless
  }
}

__global__ void trap(FaultBuffers b) {
  if (b.x[threadIdx.x] < 2) __trap();  // fault: trap
}

__global__ void last_to_come_kernel(float* y) {
  y[0] = static_cast<float>(threadIdx.x);
}

template <void (*kKernel)(FaultBuffers), unsigned kBlocks, unsigned kThreads,
          std::size_t kShared = 0>
void run(const FaultBuffers& b) {
  launch({kBlocks, kThreads, kShared}, kKernel, b);
}

void run_null_pointer(const FaultBuffers& b) {
  launch({1, 32}, null_pointer, b, nullptr);
}

}  // namespace

const std::vector<PlantedFault>& planted_faults() {
  using simt::Fault;
  static const std::vector<PlantedFault> faults = {
      {"missing_barrier", Fault::race, run<missing_barrier, 1, 64>},
      {"reuse_without_barrier", Fault::race, run<reuse_without_barrier, 1, 64>},
      {"warp_without_sync", Fault::race, run<warp_without_sync, 1, 32>},
      {"half_a_warp_synchronised", Fault::race, run<half_a_warp_synchronised, 1, 32>},
      {"divergent_barrier", Fault::divergent_barrier, run<divergent_barrier, 1, 32>, true},
      {"two_barriers", Fault::divergent_barrier, run<two_barriers, 1, 32>, true},
      {"return_before_barrier", Fault::divergent_barrier, run<return_before_barrier, 1, 64>, true},
      {"absent_lane", Fault::absent_lane, run<absent_lane, 1, 64>, true},
      {"shuffle_after_exit", Fault::absent_lane, run<shuffle_after_exit, 1, 32>, true},
      {"not_in_own_mask", Fault::absent_lane, run<not_in_own_mask, 1, 32>, true},
      {"source_not_in_mask", Fault::absent_lane, run<source_not_in_mask, 1, 32>, true},
      {"mixed_collective", Fault::mixed_collective, run<mixed_collective, 1, 32>, true},
      {"uninitialised_shared", Fault::uninitialised, run<uninitialised_shared, 1, 32>},
      {"left_by_the_last_block", Fault::uninitialised,
       run<left_by_the_last_block, 2, 32, 32 * sizeof(float)>},
      {"uninitialised_global", Fault::uninitialised, run<uninitialised_global, 1, 32>},
      {"read_past_the_end", Fault::out_of_bounds, run<read_past_the_end, 1, 256>},
      {"write_past_the_end", Fault::out_of_bounds, run<write_past_the_end, 1, 256>},
      {"write_before_the_start", Fault::out_of_bounds, run<write_before_the_start, 1, 32>},
      {"dynamic_too_small", Fault::out_of_bounds,
       run<dynamic_too_small, 1, 32, 31 * sizeof(float)>},
      {"host_pointer", Fault::host_pointer, run<host_pointer, 1, 32>},
      {"null_pointer", Fault::host_pointer, run_null_pointer},
      {"misaligned", Fault::misaligned, run<misaligned, 1, 32>},
      {"two_blocks_one_word", Fault::race, run<two_blocks_one_word, 2, 32>},
      {"block_reads_another", Fault::race, run<block_reads_another, 2, 32>},
      {"atomic_and_store", Fault::race, run<atomic_and_store, 1, 32>},
      {"copy_without_wait", Fault::async_copy, run<copy_without_wait, 1, 32>},
      {"copy_without_barrier", Fault::race, run<copy_without_barrier, 1, 32>},
      {"endless", Fault::endless, run<endless, 1, 32>},
      {"trap", Fault::trap, run<trap, 1, 32>, true},
  };
  return faults;
}

void last_to_come(float* y) {
  launch({1, 32}, last_to_come_kernel, y);
}

}  // namespace tinct::gpu
