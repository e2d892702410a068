// Kernels whose requests, sectors, waves and collisions a person can count.
#pragma once

namespace tinct::gpu {

/// One warp: y[i] = x[stride i].
void global_stride(unsigned stride, const float* x, float* y);
/// One warp: 32 float4 from x to y, both 16-byte aligned.
void global_vectors(const float* x, float* y);
/// One warp: y[i] = tile[stride i], of 1024 floats that the warp has put there one by one.
void shared_stride(unsigned stride, const float* x, float* y);
/// One warp reads 32 float2, then 32 float4 of shared memory, the float4 `apart` floats from each
/// other.
void shared_vectors(unsigned apart, const float* x, float* y);
/// One warp adds 1 to words[i % different], in device and in shared memory.
void atomics(unsigned different, unsigned* words);
/// A warp of which `lanes` lanes go through a loop of i rounds, i their lane.
void ragged_loop(const float* x, float* y);

}  // namespace tinct::gpu
