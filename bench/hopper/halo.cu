// Whether wgmma reads a tap of a 3x3 convolution from a tile with its border, in place: the tile is
// stored once, as the bulk copy engine would in its 128-byte swizzle, a pixel of 64 channels a row,
// and a tap is the same tile from another start. What has to be found out is how the swizzle goes
// on from a start that is no multiple of its 1024 bytes.
#include <algorithm>
#include <cmath>

#include "bench/hopper/probe.h"
#include "bench/hopper/wgmma.h"
#include "core/random.h"
#include "core/simt/bf16.h"
#include "core/simt/simt.h"

namespace tinct::hopper {
namespace {

using gpu::launch;

constexpr int kWidth = 8, kHeight = 16, kPixels = kWidth * kHeight;  // of the output tile
constexpr int kChannels = 64, kThreads = 128;
constexpr int kAlignment = 1024;  // of the swizzle's pattern

struct Tap {
  int row, column, pitch;
  bool phase;  // the descriptor says where in the pattern the start lies
};

int box_pixels(int pitch) {
  return (kHeight + 2) * pitch;
}

// 16 bytes of a row change places with those of its place in the pattern.
__device__ void store_swizzled(unsigned char* tile, int row, int chunk, uint4 value) {
  *reinterpret_cast<uint4*>(tile + row * kRowBytes + (chunk ^ (row & 7)) * 16) = value;
}

// y (64, kPixels) = weights (64, 64) times one tap's pixels of box (rows, pitch, 64).
__global__ void halo_kernel(Tap tap, int rows, const uint4* box, const uint4* weights, float* y) {
  unsigned char* shared = gpu::dynamic_shared<unsigned char>();
  shared += (kAlignment - shared_address(shared) % kAlignment) % kAlignment;
  unsigned char* const filter = shared;
  unsigned char* const tile = shared + kM * kRowBytes;
  for (int i = static_cast<int>(threadIdx.x); i < kM * 8; i += kThreads) {
    store_swizzled(filter, i / 8, i % 8, weights[i]);
  }
  for (int i = static_cast<int>(threadIdx.x); i < rows * 8; i += kThreads) {
    store_swizzled(tile, i / 8, i % 8, box[i]);
  }
  publish_shared();
  __syncthreads();

  float d[kPixels / 2] = {};
  const std::uint32_t start =
      shared_address(tile) +
      static_cast<std::uint32_t>(tap.row * tap.pitch + tap.column) * kRowBytes;
  const std::uint32_t phase = tap.phase ? start >> 7 & 7 : 0;
  wgmma_begin();
  for (std::uint32_t k = 0; k < kChannels; k += kK) {
    wgmma_ss<kPixels>(
        d, descriptor(shared_address(filter) + 2 * k, 8 * kRowBytes),
        descriptor(start + 2 * k, static_cast<std::uint32_t>(tap.pitch) * kRowBytes, phase));
  }
  wgmma_commit();
  wgmma_wait<0>();
  wgmma_settle<kPixels / 2>(d);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int i = 0; i < kPixels / 2; ++i) {
    const int m = 16 * warp + lane / 4 + (i % 4 / 2) * 8;
    const int n = i / 4 * 8 + lane % 4 * 2 + i % 2;
    y[m * kPixels + n] = d[i];
  }
}

std::vector<bf16> random_numbers(std::size_t count, std::uint64_t seed) {
  const Random random(seed, Purpose::test);
  std::vector<bf16> v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = to_bf16(2 * random.uniform(i) - 1);
  return v;
}

// The tap computed in double precision from the same bf16 numbers.
double exact(const Tap& tap, const std::vector<bf16>& box, const std::vector<bf16>& weights, int m,
             int n) {
  const int pixel = (n / kWidth + tap.row) * tap.pitch + n % kWidth + tap.column;
  double sum = 0;
  for (int k = 0; k < kChannels; ++k) {
    sum += double{to_float(box[static_cast<std::size_t>(pixel * kChannels + k)])} *
           to_float(weights[static_cast<std::size_t>(m * kChannels + k)]);
  }
  return sum;
}

double largest_error(const Tap& tap) {
  const int rows = box_pixels(tap.pitch);
  const std::vector<bf16> box = random_numbers(static_cast<std::size_t>(rows) * kChannels, 1);
  const std::vector<bf16> weights = random_numbers(kM * kChannels, 2);
  const device::Array<bf16> box_there(box.data(), box.size());
  const device::Array<bf16> weights_there(weights.data(), weights.size());
  device::Array<float> y_there(kM * kPixels);
  launch({1, kThreads, static_cast<std::size_t>((kM + rows) * kRowBytes + kAlignment)}, halo_kernel,
         tap, rows, reinterpret_cast<const uint4*>(box_there.data()),
         reinterpret_cast<const uint4*>(weights_there.data()), y_there.data());
  std::vector<float> y(kM * kPixels);
  y_there.to_host(y.data());
  double largest = 0;
  for (int m = 0; m < kM; ++m) {
    for (int n = 0; n < kPixels; ++n) {
      const double error =
          std::abs(y[static_cast<std::size_t>(m * kPixels + n)] - exact(tap, box, weights, m, n));
      largest = std::isnan(error) ? INFINITY : std::max(largest, error);
    }
  }
  return largest;
}

}  // namespace

Answers halo_errors() {
  Answers answers;
  for (const int pitch : {10, 16}) {
    for (const bool phase : {false, true}) {
      double largest = 0;
      int right = 0;
      for (int tap = 0; tap < 9; ++tap) {
        const double error = largest_error({tap / 3, tap % 3, pitch, phase});
        largest = std::max(largest, error);
        right += error < 1e-2;
      }
      const std::string name = "halo tile, pitch " + std::to_string(pitch) + ", " +
                               (phase ? "phase in the descriptor" : "no phase");
      answers.push_back({name + ": taps that are right", double(right), "of 9"});
      answers.push_back({name + ": largest error", largest, ""});
    }
  }
  return answers;
}

}  // namespace tinct::hopper
