// Fitting Lab colours into sRGB on the GPU. Bound by memory, 24 bytes a pixel, unless most colours
// lie outside: then by twelve conversions of each.
#include "kernels/gamut.h"

#include "kernels/colour_device.h"

namespace tinct::gpu {
namespace {

constexpr unsigned kThreads = 256;

__device__ bool inside(const float3& lab, float k) {
  const float most = 1 + 1e-6f, least = -1e-6f;
  const float3 light = colours::lab_to_linear(make_float3(lab.x, k * lab.y, k * lab.z));
  return light.x >= least && light.x <= most && light.y >= least && light.y <= most &&
         light.z >= least && light.z <= most;
}

// A thread owns a pixel of the block's tile in shared memory (kernels/colour.cu says why).
__global__ void fit(std::size_t values, float* lab) {
  __shared__ float tile[3 * kThreads];
  float* const mine = tile + 3 * threadIdx.x;
  for (std::size_t base = blockIdx.x * std::size_t{3 * kThreads}; base < values;
       base += gridDim.x * std::size_t{3 * kThreads}) {
    for (unsigned k = threadIdx.x; k < 3 * kThreads; k += kThreads) {
      if (base + k < values) tile[k] = lab[base + k];
    }
    __syncthreads();
    if (base + 3 * threadIdx.x < values) {
      const float3 v = make_float3(mine[0], mine[1], mine[2]);
      if (!inside(v, 1)) {
        float low = 0, high = 1;
        for (int step = 0; step < 12; ++step) {
          const float middle = 0.5f * (low + high);
          if (inside(v, middle)) {
            low = middle;
          } else {
            high = middle;
          }
        }
        mine[1] = low * v.y, mine[2] = low * v.z;
      }
    }
    __syncthreads();
    for (unsigned k = threadIdx.x; k < 3 * kThreads; k += kThreads) {
      if (base + k < values) lab[base + k] = tile[k];
    }
  }
}

}  // namespace

void fit_to_gamut(std::size_t n, float* lab) {
  if (n == 0) return;
  launch(over(n, kThreads), fit, 3 * n, lab);
}

}  // namespace tinct::gpu
