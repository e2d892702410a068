// Convolution, forward and data gradient, on tensor cores: implicit GEMM, mma.sync m16n8k16, bf16
// in, f32 sums.
//
// A block owns kM pixels x kN output channels; a warp 32 or 64 pixels x 32 channels of them; a
// thread two neighbouring channels of a row in each 8x8 tile. The summed axis is (tap, channel), 32
// a step, in chunks of 8: a thread copies the same chunk of several pixels, walks the taps by
// adding, and what lies in the padding arrives as zeros. Three steps are under way at once
// (cp.async); tiles are permuted, so neither copies nor ldmatrix meet a bank twice.
//
// The data gradient is the same walk over dy with the filter read across (ldmatrix.trans): no
// turned copy of it. With a stride, inputs fall into phases that the same taps reach; blockIdx.z is
// one.
//
// An output costs 2 taps c FLOPs; device memory, if the caches held everything, x, w and y once.
// What blocks pull through L2, 2 (1/kM + 1/kN) bytes a multiply-add, binds on large cards: 5.5 TB/s
// of it feed 350 TFLOP/s with 128x128, 235 with 128x64.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/simt/ptx.h"
#include "kernels/activation_device.h"
#include "kernels/conv/bf16_rows.h"
#include "kernels/conv/gather_loaders-inl.h"
#include "kernels/conv/tensor_core.h"

namespace tinct::gpu {
namespace {

// Stores f32 sums as they lie: 8 rows of 32 bytes a warp.
template <class T>
__device__ inline void store(const GatherGeometry& g, const typename T::Sums& sums, int warp_m,
                             int warp_n, int first, const long long* offsets, bf16*, float* y) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
#pragma unroll
  for (int i = 0; i < T::kWarpM / 16; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const long long offset = offsets[warp_m + 16 * i + 8 * half + lane / 4];
      if (offset < 0) continue;
#pragma unroll
      for (int j = 0; j < T::kWarpN / 8; ++j) {
        const int n = first + warp_n + 8 * j + lane % 4 * 2;
        const float low = sums[i][j][2 * half], high = sums[i][j][2 * half + 1];
        if (g.n % 2 == 0) {
          if (n < g.n) *reinterpret_cast<float2*>(y + offset + n) = make_float2(low, high);
        } else {
          if (n < g.n) y[offset + n] = low;
          if (n + 1 < g.n) y[offset + n + 1] = high;
        }
      }
    }
  }
}

// Stores bf16 through shared memory, so that a warp writes whole sectors.
template <class T>
__device__ inline void store(const GatherGeometry& g, const typename T::Sums& sums, int warp_m,
                             int warp_n, int first, const long long* offsets, bf16* shared,
                             bf16* y) {
  constexpr int kChunks = T::kN / 8;
  const int t = static_cast<int>(threadIdx.x), lane = t % static_cast<int>(kWarp);
#pragma unroll
  for (int i = 0; i < T::kWarpM / 16; ++i) {
#pragma unroll
    for (int j = 0; j < T::kWarpN / 8; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        bf16* to = shared + at<kChunks>(warp_m + 16 * i + 8 * half + lane / 4, warp_n / 8 + j) +
                   lane % 4 * 2;
        *reinterpret_cast<std::uint32_t*>(to) =
            pack(to_bf16(sums[i][j][2 * half]), to_bf16(sums[i][j][2 * half + 1]));
      }
    }
  }
  __syncthreads();
  if (g.n % 8 == 0) {
    for (int e = t; e < T::kM * kChunks; e += T::kThreads) {
      const int row = e / kChunks, chunk = e % kChunks, n = first + 8 * chunk;
      if (offsets[row] < 0 || n >= g.n) continue;
      *reinterpret_cast<uint4*>(y + offsets[row] + n) =
          *reinterpret_cast<const uint4*>(shared + at<kChunks>(row, chunk));
    }
    return;
  }
  for (int e = t; e < T::kM * T::kN; e += T::kThreads) {
    const int row = e / T::kN, n = e % T::kN;
    if (offsets[row] < 0 || first + n >= g.n) continue;
    y[offsets[row] + first + n] = shared[at<kChunks>(row, n / 8) + n % 8];
  }
}

template <class T, bool kAcross, class Out>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    implicit_gemm(GatherGeometry g, const bf16* x, const bf16* w, const float* bias,
                  Activation activation, Out* y) {
  bf16* shared = dynamic_shared<bf16>();
  auto* offsets = reinterpret_cast<long long*>(shared + T::kStages * T::kStage);
  const GatherPhase& p = g.phases[blockIdx.z];
  const int pixels = g.images * p.rows.outputs * p.columns.outputs;
  // Blocks of the same pixels run side by side: the second finds them in L2.
  const int tiles_n = ceil_div(g.n, T::kN);
  const int tile_m = static_cast<int>(blockIdx.x) / tiles_n;
  const int first_m = tile_m * T::kM;
  const int first_n = (static_cast<int>(blockIdx.x) - tile_m * tiles_n) * T::kN;
  if (first_m >= pixels) return;

  const int t = static_cast<int>(threadIdx.x);
  for (int i = t; i < T::kM; i += T::kThreads) {
    const int pixel = first_m + i, line = pixel / p.columns.outputs;
    const int plane = line / p.rows.outputs;
    const int row = p.rows.first + (line - plane * p.rows.outputs) * p.rows.step;
    const int column = p.columns.first + (pixel - line * p.columns.outputs) * p.columns.step;
    offsets[i] = pixel < pixels
                     ? ((static_cast<long long>(plane) * g.height + row) * g.width + column) * g.n
                     : -1;
  }

  const int warp = t / static_cast<int>(kWarp);
  const int warp_m = warp / T::kWarpsN * T::kWarpM, warp_n = warp % T::kWarpsN * T::kWarpN;
  typename T::Sums sums = {};
  const int steps = ceil_div(p.rows.taps * p.columns.taps * g.c, T::kK);
  PixelLoader<T> pixel_loader(g, p, x, first_m, pixels);
  if constexpr (kAcross) {
    AcrossLoader<T> filter_loader(g, p, w, first_n);
    multiply_all<T, false, true>(steps, shared, warp_m, warp_n, sums, [&](int, bf16* to) {
      pixel_loader.fetch(g, p, to);
      filter_loader.fetch(g, p, to + T::kM * T::kK);
    });
  } else {
    FilterLoader<T> filter_loader(g, p, w, first_n);
    multiply_all<T, false, false>(steps, shared, warp_m, warp_n, sums, [&](int, bf16* to) {
      pixel_loader.fetch(g, p, to);
      filter_loader.fetch(g, p, to + T::kM * T::kK);
    });
  }

  if (bias != nullptr) {
    const int lane = t % static_cast<int>(kWarp);
#pragma unroll
    for (int j = 0; j < T::kWarpN / 8; ++j) {
      const int n = first_n + warp_n + 8 * j + lane % 4 * 2;
      const float low = n < g.n ? bias[n] : 0, high = n + 1 < g.n ? bias[n + 1] : 0;
#pragma unroll
      for (int i = 0; i < T::kWarpM / 16; ++i) {
        sums[i][j][0] += low, sums[i][j][1] += high;
        sums[i][j][2] += low, sums[i][j][3] += high;
      }
    }
  }
  if constexpr (!kAcross) {
    with_kind(activation, [&]<Activation kKind>() {
#pragma unroll
      for (int i = 0; i < T::kWarpM / 16; ++i) {
#pragma unroll
        for (int j = 0; j < T::kWarpN / 8; ++j) {
#pragma unroll
          for (int e = 0; e < 4; ++e) sums[i][j][e] = activate<kKind>(sums[i][j][e]);
        }
      }
    });
  }
  store<T>(g, sums, warp_m, warp_n, first_n, offsets, shared, y);
}

using Tile128x128 = MmaTile<128, 128, 2, 4>;
using Tile128x64 = MmaTile<128, 64, 2, 2>;
using Tile128x32 = MmaTile<128, 32, 4, 1>;
using Tile64x64 = MmaTile<64, 64, 2, 2>;

// The largest tile that still gives a large card's 132 multiprocessors a block each.
ConvTile choose(std::size_t pixels, std::size_t channels) {
  const auto blocks = [&](std::size_t m, std::size_t n) {
    return ceil_div(pixels, m) * ceil_div(channels, n);
  };
  if (channels <= 32) return ConvTile::m128n32;
  if (channels > 64 && blocks(128, 128) >= 132) return ConvTile::m128n128;
  return blocks(128, 64) >= 132 ? ConvTile::m128n64 : ConvTile::m64n64;
}

// What a run of phases needs besides them.
template <class Out>
struct Work {
  const bf16* x;
  const bf16* w;
  const float* bias;
  Activation activation;
  Out* y;
};

template <class T, bool kAcross, class Out>
void run(const GatherGeometry& g, unsigned phases, const Work<Out>& work) {
  int pixels = 0;
  for (unsigned i = 0; i < phases; ++i) {
    pixels = std::max(pixels, g.images * g.phases[i].rows.outputs * g.phases[i].columns.outputs);
  }
  const auto tiles = static_cast<unsigned>(ceil_div(pixels, T::kM) * ceil_div(g.n, T::kN));
  if (tiles == 0) return;
  const std::size_t bytes = T::kBytes + T::kM * sizeof(long long);
  launch({dim3(tiles, 1, phases), dim3(T::kThreads), bytes}, implicit_gemm<T, kAcross, Out>, g,
         work.x, work.w, work.bias, work.activation, work.y);
}

template <bool kAcross, class Out>
void run(ConvTile tile, GatherGeometry g, const std::vector<GatherPhase>& phases,
         const Work<Out>& work) {
  for (std::size_t begin = 0; begin < phases.size(); begin += kGatherPhases) {
    const std::size_t count = std::min<std::size_t>(kGatherPhases, phases.size() - begin);
    std::copy_n(phases.begin() + static_cast<long>(begin), count, g.phases);
    const auto n = static_cast<unsigned>(count);
    switch (tile) {
      case ConvTile::m128n128:
        run<Tile128x128, kAcross>(g, n, work);
        break;
      case ConvTile::m128n64:
        run<Tile128x64, kAcross>(g, n, work);
        break;
      case ConvTile::m128n32:
        run<Tile128x32, kAcross>(g, n, work);
        break;
      default:
        run<Tile64x64, kAcross>(g, n, work);
    }
  }
}

void check_size(const Conv2dShape& s) {
  s.check();
  constexpr std::size_t kMost = (std::size_t{1} << 31) - 128;
  if (s.n * s.h * s.w > kMost || s.n * s.oh() * s.ow() > kMost ||
      s.kh * s.kw * padded_channels(std::max(s.c, s.k)) > kMost) {
    throw std::invalid_argument("conv2d on tensor cores: " + std::to_string(s.n) + "x" +
                                std::to_string(s.h) + "x" + std::to_string(s.w) +
                                " has 2^31 pixels or more");
  }
}

int integer(std::size_t v) {
  return static_cast<int>(v);
}

template <class T>
void forward(const Conv2dShape& s, const T* x, const T* w, const float* bias, Activation activation,
             T* y, ConvTile tile) {
  check_size(s);
  const Bf16Rows from(s.n * s.h * s.w, s.c, x), filter(s.k * s.kh * s.kw, s.c, w);
  GatherGeometry g{};
  g.images = integer(s.n), g.height = integer(s.oh()), g.width = integer(s.ow());
  g.c = integer(padded_channels(s.c)), g.n = integer(s.k);
  g.kh = integer(s.kh), g.kw = integer(s.kw);
  if (tile == ConvTile::automatic) tile = choose(s.n * s.oh() * s.ow(), s.k);
  run<false, T>(tile, g, {{forward_rows(s), forward_columns(s)}},
                {from.data(), filter.data(), bias, activation, y});
}

template <class T>
void backward_data(const Conv2dShape& s, const T* dy, const T* w, const float* bias, T* dx,
                   ConvTile tile) {
  check_size(s);
  const Bf16Rows from(s.n * s.oh() * s.ow(), s.k, dy), filter(s.k * s.kh * s.kw, s.c, w);
  GatherGeometry g{};
  g.images = integer(s.n), g.height = integer(s.h), g.width = integer(s.w);
  g.c = integer(padded_channels(s.k)), g.n = integer(s.c);
  g.kh = integer(s.kh), g.kw = integer(s.kw);
  g.w_rows = integer(s.k), g.w_pitch = integer(padded_channels(s.c));
  std::vector<GatherPhase> phases;
  for (std::size_t i = 0; i < s.stride_h; ++i) {
    for (std::size_t j = 0; j < s.stride_w; ++j) {
      phases.push_back({backward_rows(s, i), backward_columns(s, j)});
    }
  }
  if (tile == ConvTile::automatic) {
    tile = choose(s.n * s.h * s.w, s.c);
  }
  run<true, T>(tile, g, phases, {from.data(), filter.data(), bias, Activation::none, dx});
}

}  // namespace

void conv2d_tensor_core(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
                        Activation activation, bf16* y, ConvTile tile) {
  forward(s, x, w, bias, activation, y, tile);
}
void conv2d_tensor_core(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                        Activation activation, float* y, ConvTile tile) {
  forward(s, x, w, bias, activation, y, tile);
}
void conv2d_backward_data_tensor_core(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx,
                                      ConvTile tile, const float* bias) {
  backward_data(s, dy, w, bias, dx, tile);
}
void conv2d_backward_data_tensor_core(const Conv2dShape& s, const float* dy, const float* w,
                                      float* dx, ConvTile tile) {
  backward_data(s, dy, w, nullptr, dx, tile);
}

}  // namespace tinct::gpu
