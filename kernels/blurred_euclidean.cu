// The blurred Euclidean loss on the GPU, one kernel: the difference of a tile and its margin, its
// blurs, their penalties, and the blurs of the slopes, all in shared memory. Bound by shared
// memory: an element of DRAM traffic is 12 bytes and the margins', of shared 4 taps + 6 accesses a
// blur.
#include "kernels/blurred_euclidean.h"

#include <algorithm>

#include "kernels/blur_device.h"
#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

using blur::Picture;
using blur::Taps;
using blur::Tile;

constexpr int kMostBlurs = 4;

struct Blurs {
  int count, radius;     // radius: the largest
  int taps[kMostBlurs];  // of each, odd
  Taps weights;          // of all
};

struct Arrays {
  const float *prediction, *target;
  float* gradient;  // or null
  double* partials;
};

// The tiles of a block: the difference with a margin of 2 radius; the blur along, and the blur,
// with a margin of one radius; the slopes blurred along share the second's room.
struct Plan {
  int around, along, total;  // floats

  __host__ __device__ Plan(int columns, int channels, int radius)
      : around((blur::kTileRows + 4 * radius) * (columns + 4 * radius) * channels),
        along((blur::kTileRows + 4 * radius) * (columns + 2 * radius) * channels),
        total(around + along + (blur::kTileRows + 2 * radius) * (columns + 2 * radius) * channels) {
  }
};

// The penalty of one number, and its slope less a factor that is the same for all.
template <bool kSquared>
__device__ float penalty(float v) {
  return kSquared ? v * v : fabsf(v);
}
template <bool kSquared>
__device__ float slope(float v) {
  if (kSquared) return v;
  return v > 0 ? 1.0f : v < 0 ? -1.0f : 0.0f;
}

// A block owns a tile of a picture, a thread kRows rows of one or more of its columns. Blurs go
// down in strips of kStrip rows.
template <int kChannels, bool kSquared, int kStrip>
__global__ void loss_of_tiles(int h, int w, bool zero, float scale, Blurs blurs, Arrays a) {
  constexpr int kColumns = blur::tile_columns(kChannels), kWidth = kColumns * kChannels;
  constexpr int kAcross = (kWidth + blur::kAcross - 1) / blur::kAcross;
  constexpr int kRows = blur::kTileRows / blur::kDown;
  const Picture p{static_cast<std::size_t>(blockIdx.z) * h * w * kChannels,
                  h,
                  w,
                  zero,
                  static_cast<int>(blockIdx.y) * blur::kTileRows,
                  static_cast<int>(blockIdx.x) * kColumns};
  const int r = blurs.radius, wide = (kColumns + 2 * r) * kChannels;
  const Plan plan(kColumns, kChannels, r);
  float* const shared = dynamic_shared<float>();
  const Tile around{shared, blur::kTileRows + 4 * r, (kColumns + 4 * r) * kChannels};
  const Tile along{shared + plan.around, around.rows, wide};
  const Tile blurred{along.data + plan.along, blur::kTileRows + 2 * r, wide};
  const Tile slopes{along.data, blurred.rows, kWidth};

  // f(number of the element among this thread's, row, column) for those inside the picture.
  const int first_row = static_cast<int>(threadIdx.x) / blur::kAcross * kRows;
  const int first_column = static_cast<int>(threadIdx.x) % blur::kAcross;
  const auto for_own = [&](const auto& f) {
    for (int k = 0; k < kAcross; ++k) {
      const int j = first_column + k * blur::kAcross;
      for (int d = 0; d < kRows; ++d) {
        const int i = first_row + d;
        if (j < kWidth && p.has(p.y + i, p.x + j / kChannels)) f(k * kRows + d, i, j);
      }
    }
  };

  blur::fill<kChannels>(p, 2 * r, around,
                        [&](std::size_t at) { return a.prediction[at] - a.target[at]; });
  __syncthreads();
  float gradient[kRows * kAcross] = {};
  float value = 0;
  for_own([&](int own, int i, int j) {
    const float v = around.row(i + 2 * r)[j + 2 * r * kChannels];
    value += penalty<kSquared>(v);
    gradient[own] = slope<kSquared>(v);
  });
  double sum = value;

  const float* weight = blurs.weights.weight;
  for (int b = 0; b < blurs.count; weight += blurs.taps[b], ++b) {
    const int taps = blurs.taps[b], skip = r - taps / 2;
    blur::along<kChannels>(weight, taps, skip, around, along);
    __syncthreads();
    blur::for_each_strip<kStrip>(blurred.rows, blurred.width, [&](int i, int j) {
      float strip[kStrip];
      blur::down(weight, taps, skip, along, i, j, strip);
      for (int s = 0; s < kStrip && i + s < blurred.rows; ++s) {
        const bool outside = zero && !p.has(p.y - r + i + s, p.x - r + j / kChannels);
        blurred.row(i + s)[j] = outside ? 0 : strip[s];
      }
    });
    __syncthreads();
    value = 0;
    for_own([&](int, int i, int j) {
      value += penalty<kSquared>(blurred.row(i + r)[j + r * kChannels]);
    });
    sum += value;
    if (a.gradient == nullptr) continue;
    if (!kSquared) {
      __syncthreads();
      blur::for_each(blurred.rows, blurred.width,
                     [&](int i, int j) { blurred.row(i)[j] = slope<kSquared>(blurred.row(i)[j]); });
      __syncthreads();
    }
    blur::along<kChannels>(weight, taps, skip, blurred, slopes);
    __syncthreads();
    for (int k = 0; k < kAcross; ++k) {
      const int j = first_column + k * blur::kAcross;
      for (int d = 0; d < kRows && j < kWidth; d += kStrip) {
        float strip[kStrip];
        blur::down(weight, taps, skip, slopes, first_row + d, j, strip);
        for (int s = 0; s < kStrip; ++s) gradient[k * kRows + d + s] += strip[s];
      }
    }
    __syncthreads();
  }
  if (a.gradient != nullptr) {
    for_own([&](int own, int i, int j) {
      const std::size_t row = static_cast<std::size_t>(p.y + i) * w + p.x;
      a.gradient[p.offset + row * kChannels + j] = scale * gradient[own];
    });
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    a.partials[(blockIdx.z * std::size_t{gridDim.y} + blockIdx.y) * gridDim.x + blockIdx.x] = sum;
  }
}

// The blurs as the kernel takes them, unless there are too many or too wide ones.
bool fits(const BlurredEuclidean& loss, Blurs& blurs) {
  constexpr int kMostRadius = 4;
  if (loss.shape.c > 4 || loss.taps.size() > kMostBlurs) return false;
  blurs = {};
  float* to = blurs.weights.weight;
  for (const std::vector<float>& taps : loss.taps) {
    const int count = static_cast<int>(taps.size());
    if (count / 2 > kMostRadius) return false;
    blurs.radius = std::max(blurs.radius, count / 2);
    blurs.taps[blurs.count++] = count;
    to = std::copy(taps.begin(), taps.end(), to);
  }
  return true;
}

template <int kStrip>
double run(const BlurredEuclidean& loss, const float* prediction, const float* target,
           float* gradient) {
  Blurs blurs;
  if (!fits(loss, blurs)) return blurred_euclidean_composed(loss, prediction, target, gradient);
  const Shape& s = loss.shape;
  if (s.size() == 0) return 0;
  const double scale = 1.0 / static_cast<double>(s.size() * (loss.taps.size() + 1));
  const dim3 grid = blur::tiles(s);
  device::Array<double> partials(std::size_t{grid.x} * grid.y * grid.z);
  const Arrays arrays{prediction, target, gradient, partials.data()};
  blur::with_channels(s.c, [&]<int kChannels>() {
    const Plan plan(blur::tile_columns(kChannels), kChannels, blurs.radius);
    const auto kernel = loss.squared ? loss_of_tiles<kChannels, true, kStrip>
                                     : loss_of_tiles<kChannels, false, kStrip>;
    launch({grid, dim3(blur::kThreads), plan.total * sizeof(float)}, kernel, static_cast<int>(s.h),
           static_cast<int>(s.w), loss.border == Border::zero,
           static_cast<float>(loss.squared ? 2 * scale : scale), blurs, arrays);
  });
  return scale * sum_of(partials.data(), partials.size());
}

}  // namespace

double blurred_euclidean_tiles(const BlurredEuclidean& loss, const float* prediction,
                               const float* target, float* gradient) {
  return run<1>(loss, prediction, target, gradient);
}

double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient) {
  return run<4>(loss, prediction, target, gradient);
}

}  // namespace tinct::gpu
