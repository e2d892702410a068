// The gradient of a convolution with respect to its weights and bias on the CPU.
//
// A tile of the output, up to 27 vectors of sums over pixels, is held in registers: for each output
// pixel a few vectors of one operand are multiplied by a few broadcast numbers of the other. Both
// operands are packed first (kernels/conv/weight_gradient_plan.h), so the inner loop knows neither
// padding nor edges. Bound by the multiply-add units; a pixel costs one FMA for each
// tap x vector of channels x channel of the other operand, plus the rounding up to whole vectors.
#include <algorithm>
#include <cstring>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/weight_gradient_plan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/backward_weights.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Sums held in registers, out of 32 or of 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kSums = 27;
constexpr int kRun = 8;
constexpr int kMaxRun = 9;
#else
constexpr int kSums = 12;
constexpr int kRun = 4;
constexpr int kMaxRun = 4;
#endif
constexpr int kMaxVectors = 6;

// The pixels that one call sums over, and how far the packed operands step, in numbers.
struct Walk {
  std::size_t images, rows, columns;
  std::size_t v_pixel, v_row, v_image;
  std::size_t b_pixel, b_row, b_image;
};

// out[j * out_row + slots[i].out ...] = (or +=) sum over pixels of v at slots[i] times b[j].
template <int kVectors, int kScalars>
void tile(const Walk& walk, const float* HWY_RESTRICT v, const VectorSlot* slots,
          const float* HWY_RESTRICT b, float* HWY_RESTRICT out, std::size_t out_row, bool add) {
  const D d;
  std::size_t offset[kVectors];
  V sum[kScalars][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kVectors; ++i) offset[i] = slots[i].offset;
#pragma GCC unroll 16
  for (int j = 0; j < kScalars; ++j) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) sum[j][i] = hn::Zero(d);
  }
  for (std::size_t image = 0; image < walk.images; ++image) {
    for (std::size_t row = 0; row < walk.rows; ++row) {
      const float* HWY_RESTRICT pv = v + image * walk.v_image + row * walk.v_row;
      const float* HWY_RESTRICT pb = b + image * walk.b_image + row * walk.b_row;
      for (std::size_t x = 0; x < walk.columns; ++x) {
        V vx[kVectors];
#pragma GCC unroll 16
        for (int i = 0; i < kVectors; ++i) vx[i] = hn::Load(d, pv + offset[i]);
#pragma GCC unroll 16
        for (int j = 0; j < kScalars; ++j) {
          const V bj = hn::Set(d, pb[j]);
#pragma GCC unroll 16
          for (int i = 0; i < kVectors; ++i) sum[j][i] = hn::MulAdd(vx[i], bj, sum[j][i]);
        }
        pv += walk.v_pixel;
        pb += walk.b_pixel;
      }
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < kScalars; ++j) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) {
      float* p = out + j * out_row + slots[i].out;
      hn::StoreU(add ? hn::Add(sum[j][i], hn::LoadU(d, p)) : sum[j][i], d, p);
    }
  }
}

using Tile = void (*)(const Walk&, const float*, const VectorSlot*, const float*, float*,
                      std::size_t, bool);

template <int kScalars, int kVectors = 1>
Tile tile_of(std::size_t vectors) {
  if constexpr (kVectors < kMaxVectors && (kVectors + 1) * kScalars <= kSums) {
    if (vectors > kVectors) return tile_of<kScalars, kVectors + 1>(vectors);
  }
  return tile<kVectors, kScalars>;
}

template <int kScalars = 1>
Tile find_tile(std::size_t vectors, std::size_t scalars) {
  if constexpr (kScalars < kMaxRun) {
    if (scalars > kScalars) return find_tile<kScalars + 1>(vectors, scalars);
  }
  return tile_of<kScalars>(vectors);
}

// Copies `pixels` pixels of `channels` channels into planes of kWidth, the last filled up with
// zeros.
template <std::size_t kWidth>
void pack_pixels(const float* HWY_RESTRICT from, std::size_t pixel, std::size_t pixels,
                 std::size_t channels, float* HWY_RESTRICT to, std::size_t plane) {
  const std::size_t whole = channels / kWidth;
  const std::size_t rest = channels % kWidth;
  for (std::size_t i = 0; i < pixels; ++i) {
    const float* HWY_RESTRICT source = from + i * pixel;
    float* HWY_RESTRICT target = to + i * kWidth;
    for (std::size_t p = 0; p < whole; ++p, source += kWidth, target += plane) {
      std::memcpy(target, source, kWidth * sizeof(float));
    }
    if (rest) {
      for (std::size_t j = 0; j < kWidth; ++j) target[j] = j < rest ? source[j] : 0.0f;
    }
  }
}

// Any width; a plane that is the whole pixel is one run of memory.
void pack_pixels(const Operand& o, const float* from, std::size_t pixels, std::size_t channels,
                 float* to) {
  constexpr std::size_t kLanes = HWY_LANES(float);
  if (o.width == o.c) {
    std::memcpy(to, from, pixels * o.c * sizeof(float));
  } else if (o.width == kLanes) {
    pack_pixels<kLanes>(from, o.c, pixels, channels, to, o.plane);
  } else {
    pack_pixels<kRun>(from, o.c, pixels, channels, to, o.plane);
  }
}

// Packs channels [begin, end) of the rows that a block reads.
void pack(const Operand& o, const float* data, const Block& block, std::size_t begin,
          std::size_t end, float* packed) {
  const std::size_t rows = o.packed_rows(block.rows);
  const std::size_t planes = o.planes(end - begin);
  const std::size_t left = std::min(o.pad_left, o.columns);
  const std::size_t inside = std::min(o.w, o.columns - left);
  const auto clear = [&](float* to, std::size_t pixels) {
    for (std::size_t p = 0; p < planes; ++p) {
      std::fill_n(to + p * o.plane, pixels * o.width, 0.0f);
    }
  };
  for (std::size_t i = 0; i < block.images * rows; ++i) {
    const std::size_t y = block.row * o.stride_h + i % rows;  // in the padded array
    float* to = packed + i * o.columns * o.width;
    if (y < o.pad_top || y - o.pad_top >= o.h) {
      clear(to, o.columns);
      continue;
    }
    const std::size_t row = (block.image + i / rows) * o.h + y - o.pad_top;
    if (left) clear(to, left);
    pack_pixels(o, data + row * o.w * o.c + begin, inside, end - begin, to + left * o.width);
    if (left + inside < o.columns) {
      clear(to + (left + inside) * o.width, o.columns - left - inside);
    }
  }
}

// Adds the sums over a block's pixels of dy's channels [begin, end), a row at a time in float.
void add_bias_gradient(const Conv2dShape& s, const float* dy, const Block& block, std::size_t begin,
                       std::size_t end, double* db) {
  constexpr std::size_t kChannels = 64;
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  for (std::size_t i = 0; i < block.images * block.rows; ++i) {
    const std::size_t y = block.row + i % block.rows;
    const float* row = dy + ((block.image + i / block.rows) * oh + y) * ow * s.k;
    for (std::size_t k = begin; k < end; k += kChannels) {
      const std::size_t count = std::min(kChannels, end - k);
      float sum[kChannels] = {};
      for (std::size_t x = 0; x < ow; ++x) {
        for (std::size_t j = 0; j < count; ++j) sum[j] += row[x * s.k + k + j];
      }
      for (std::size_t j = 0; j < count; ++j) db[k + j] += sum[j];
    }
  }
}

// All tiles of one unit over the pixels of one packed block. `add` is false for the first pixels
// that reach the output.
void multiply_block(const WeightGradientPlan& plan, const Block& block,
                    const std::vector<VectorSlot>& slots, const std::vector<ScalarRun>& runs,
                    const float* v, const float* b, float* out, bool add) {
  const Operand& vo = plan.vectors;
  const Operand& bo = plan.scalars;
  const std::size_t ow = plan.s.ow();
  Walk walk;
  walk.images = block.images;
  walk.v_pixel = vo.stride_w * vo.width;
  walk.v_row = vo.stride_h * vo.columns * vo.width;
  walk.v_image = vo.packed_rows(block.rows) * vo.columns * vo.width;
  walk.b_pixel = bo.stride_w * bo.width;
  walk.b_row = bo.stride_h * bo.columns * bo.width;
  walk.b_image = bo.packed_rows(block.rows) * bo.columns * bo.width;
  std::size_t longest = 1;
  for (const ScalarRun& run : runs) longest = std::max(longest, run.count);
  const std::size_t most = std::min<std::size_t>(kMaxVectors, kSums / longest);
  const std::size_t groups = (slots.size() + most - 1) / most;
  for (std::size_t y = 0; y < block.rows; y += plan.span_rows) {
    for (std::size_t x = 0; x < ow; x += plan.span_columns) {
      walk.rows = std::min(plan.span_rows, block.rows - y);
      walk.columns = std::min(plan.span_columns, ow - x);
      const float* pv = v + y * walk.v_row + x * walk.v_pixel;
      const float* pb = b + y * walk.b_row + x * walk.b_pixel;
      for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t first = g * slots.size() / groups;
        const std::size_t vectors = (g + 1) * slots.size() / groups - first;
        for (const ScalarRun& run : runs) {
          find_tile(vectors, run.count)(walk, pv, slots.data() + first, pb + run.offset,
                                        out + run.out * plan.out_columns, plan.out_columns, add);
        }
      }
      add = true;
    }
  }
}

// One unit of work: a tile of the output over one chunk of the blocks.
struct Unit {
  std::size_t chunk, v_begin, v_end, b_begin, b_end;
};

Unit unit_of(const WeightGradientPlan& plan, std::size_t index) {
  const std::size_t b = index % plan.scalars.units() * plan.scalars.unit;
  index /= plan.scalars.units();
  const std::size_t v = index % plan.vectors.units() * plan.vectors.unit;
  return {index / plan.vectors.units(), v, std::min(v + plan.vectors.unit, plan.vectors.c), b,
          std::min(b + plan.scalars.unit, plan.scalars.c)};
}

void run_units(const WeightGradientPlan& plan, const float* x, const float* dy, std::size_t first,
               std::size_t last, float* out, double* db) {
  const float* v_data = plan.dy_in_vectors ? dy : x;
  const float* b_data = plan.dy_in_vectors ? x : dy;
  const auto packed_size = [](const Operand& o) {
    return o.planes(std::min(o.unit, o.c)) * o.plane;
  };
  Workspace<float> v(packed_size(plan.vectors));
  Workspace<float> b(packed_size(plan.scalars));
  for (std::size_t i = first; i < last; ++i) {
    const Unit unit = unit_of(plan, i);
    const std::vector<VectorSlot> slots = plan.slots(unit.v_begin, unit.v_end);
    const std::vector<ScalarRun> runs = plan.runs(unit.b_begin, unit.b_end);
    const std::size_t blocks = plan.blocks.size();
    const std::size_t begin = unit.chunk * blocks / plan.chunks;
    const std::size_t end = (unit.chunk + 1) * blocks / plan.chunks;
    float* sums = out + unit.chunk * plan.out_rows * plan.out_columns;
    for (std::size_t j = begin; j < end; ++j) {
      pack(plan.vectors, v_data, plan.blocks[j], unit.v_begin, unit.v_end, v.data());
      pack(plan.scalars, b_data, plan.blocks[j], unit.b_begin, unit.b_end, b.data());
      multiply_block(plan, plan.blocks[j], slots, runs, v.data(), b.data(), sums, j > begin);
      double* bias = db ? db + unit.chunk * plan.s.k : nullptr;
      if (bias && plan.dy_in_vectors) {
        add_bias_gradient(plan.s, dy, plan.blocks[j], unit.v_begin, unit.v_end, bias);
      } else if (bias && unit.v_begin == 0) {
        add_bias_gradient(plan.s, dy, plan.blocks[j], unit.b_begin, unit.b_end, bias);
      }
    }
  }
}

TileLimits limits() {
  return {HWY_LANES(float), kRun, kMaxRun};
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct {
namespace conv {
namespace {

HWY_EXPORT(limits);
HWY_EXPORT(run_units);

// dw = the chunks' sums added in order, without the padding of channels to whole vectors.
void add_chunks(const WeightGradientPlan& plan, const float* sums, float* dw) {
  const std::size_t taps = plan.s.kh * plan.s.kw;
  const std::size_t c = plan.s.c;
  const std::size_t size = plan.out_rows * plan.out_columns;
  parallel_for(plan.s.k, [=, &plan](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      for (std::size_t tap = 0; tap < taps; ++tap) {
        // Element i of this row is at from[i * step] in every chunk.
        const std::size_t step = plan.dy_in_vectors ? plan.out_columns : 1;
        const float* from = plan.dy_in_vectors
                                ? sums + tap * c * plan.out_columns + k
                                : sums + k * plan.out_columns + tap * (plan.out_columns / taps);
        float* to = dw + (k * taps + tap) * c;
        for (std::size_t i = 0; i < c; ++i) to[i] = from[i * step];
        for (std::size_t chunk = 1; chunk < plan.chunks; ++chunk) {
          for (std::size_t i = 0; i < c; ++i) to[i] += from[chunk * size + i * step];
        }
      }
    }
  });
}

}  // namespace
}  // namespace conv

void cpu::conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                  float* db) {
  const conv::TileLimits limits = HWY_DYNAMIC_DISPATCH(conv::limits)();
  const conv::WeightGradientPlan plan = conv::plan_weight_gradient(s, limits);
  const bool direct = plan.direct();
  Workspace<float> sums(direct ? 0 : plan.chunks * plan.out_rows * plan.out_columns);
  Workspace<double> bias(db ? plan.chunks * s.k : 0);
  std::fill_n(bias.data(), bias.size(), 0.0);
  const auto run = HWY_DYNAMIC_DISPATCH(conv::run_units);
  parallel_for(plan.units(), [&](std::size_t begin, std::size_t end) {
    run(plan, x, dy, begin, end, direct ? dw : sums.data(), db ? bias.data() : nullptr);
  });
  if (!direct) conv::add_chunks(plan, sums.data(), dw);
  for (std::size_t k = 0; db && k < s.k; ++k) {
    double sum = 0;
    for (std::size_t chunk = 0; chunk < plan.chunks; ++chunk) sum += bias[chunk * s.k + k];
    db[k] = static_cast<float>(sum);
  }
}

}  // namespace tinct
#endif  // HWY_ONCE
