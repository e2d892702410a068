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
#include "kernels/conv/weight_tile-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

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

// The output of some channels of each operand over the pixels of one packed block. `add` is false
// for the first pixels that reach the output.
void multiply(const WeightGradientPlan& plan, const Block& block,
              const std::vector<VectorSlot>& slots, const std::vector<ScalarRun>& runs,
              const float* v, const float* b, float* out, bool add) {
  const Operand& vo = plan.vectors;
  const Operand& bo = plan.scalars;
  const std::size_t ow = plan.s.ow();
  Walk walk;
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
  const auto span = [&](std::size_t image, std::size_t y, std::size_t x) {
    walk.images = std::min(plan.span_images, block.images - image);
    walk.rows = std::min(plan.span_rows, block.rows - y);
    walk.columns = std::min(plan.span_columns, ow - x);
    const float* pv = v + image * walk.v_image + y * walk.v_row + x * walk.v_pixel;
    const float* pb = b + image * walk.b_image + y * walk.b_row + x * walk.b_pixel;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t first = g * slots.size() / groups;
      const std::size_t vectors = (g + 1) * slots.size() / groups - first;
      for (const ScalarRun& run : runs) {
        find_tile(vectors, run.count)(walk, pv, slots.data() + first, pb + run.offset,
                                      out + run.out * plan.out_columns, plan.out_columns, add);
      }
    }
    add = true;
  };
  for (std::size_t image = 0; image < block.images; image += plan.span_images) {
    for (std::size_t y = 0; y < block.rows; y += plan.span_rows) {
      for (std::size_t x = 0; x < ow; x += plan.span_columns) span(image, y, x);
    }
  }
}

// Chunks [first, last): each packs its blocks for itself. `out` and `db` have one entry a chunk.
void run_chunks(const WeightGradientPlan& plan, const float* x, const float* dy, std::size_t first,
                std::size_t last, float* out, double* db) {
  Workspace<float> v(plan.vectors.packed_size());
  Workspace<float> b(plan.scalars.packed_size());
  const std::vector<VectorSlot> slots = plan.slots(0, plan.vectors.c);
  const std::vector<ScalarRun> runs = plan.runs(0, plan.scalars.c);
  const std::size_t blocks = plan.blocks.size();
  for (std::size_t chunk = first; chunk < last; ++chunk) {
    const std::size_t begin = chunk * blocks / plan.chunks;
    const std::size_t end = (chunk + 1) * blocks / plan.chunks;
    for (std::size_t i = begin; i < end; ++i) {
      const Block& block = plan.blocks[i];
      pack(plan.vectors, plan.dy_in_vectors ? dy : x, block, 0, plan.vectors.c, v.data());
      pack(plan.scalars, plan.dy_in_vectors ? x : dy, block, 0, plan.scalars.c, b.data());
      multiply(plan, block, slots, runs, v.data(), b.data(),
               out + chunk * plan.out_rows * plan.out_columns, i > begin);
      if (db) add_bias_gradient(plan.s, dy, block, 0, plan.s.k, db + chunk * plan.s.k);
    }
  }
}

// Packs units [first, last) of channels, the vectors' first, of one block for all tiles.
void pack_units(const WeightGradientPlan& plan, const float* x, const float* dy, const Block& block,
                std::size_t first, std::size_t last, float* v, float* b, double* db) {
  for (std::size_t i = first; i < last; ++i) {
    const bool vectors = i < plan.vectors.units();
    const Operand& o = vectors ? plan.vectors : plan.scalars;
    const std::size_t begin = (vectors ? i : i - plan.vectors.units()) * o.unit;
    const std::size_t end = std::min(begin + o.unit, o.c);
    const bool is_dy = vectors == plan.dy_in_vectors;
    pack(o, is_dy ? dy : x, block, begin, end, (vectors ? v : b) + begin / o.width * o.plane);
    if (is_dy && db) add_bias_gradient(plan.s, dy, block, begin, end, db);
  }
}

// Tiles [first, last) of the output over one packed block.
void run_tiles(const WeightGradientPlan& plan, const Block& block, std::size_t first,
               std::size_t last, const float* v, const float* b, float* out, bool add) {
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t v_begin = i / plan.scalars.units() * plan.vectors.unit;
    const std::size_t b_begin = i % plan.scalars.units() * plan.scalars.unit;
    multiply(
        plan, block, plan.slots(v_begin, std::min(v_begin + plan.vectors.unit, plan.vectors.c)),
        plan.runs(b_begin, std::min(b_begin + plan.scalars.unit, plan.scalars.c)), v, b, out, add);
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
HWY_EXPORT(run_chunks);
HWY_EXPORT(pack_units);
HWY_EXPORT(run_tiles);

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

void by_chunks(const WeightGradientPlan& plan, const float* x, const float* dy, float* out,
               double* db) {
  const auto run = HWY_DYNAMIC_DISPATCH(run_chunks);
  parallel_for(plan.chunks,
               [&](std::size_t begin, std::size_t end) { run(plan, x, dy, begin, end, out, db); });
}

void by_tiles(const WeightGradientPlan& plan, const float* x, const float* dy, float* out,
              double* db) {
  const auto pack = HWY_DYNAMIC_DISPATCH(pack_units);
  const auto run = HWY_DYNAMIC_DISPATCH(run_tiles);
  Workspace<float> v(plan.vectors.packed_size());
  Workspace<float> b(plan.scalars.packed_size());
  for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
    const Block& block = plan.blocks[i];
    parallel_for(plan.vectors.units() + plan.scalars.units(),
                 [&](std::size_t begin, std::size_t end) {
                   pack(plan, x, dy, block, begin, end, v.data(), b.data(), db);
                 });
    parallel_for(plan.tiles(), [&](std::size_t begin, std::size_t end) {
      run(plan, block, begin, end, v.data(), b.data(), out, i > 0);
    });
  }
}

}  // namespace
}  // namespace conv

void cpu::conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                  float* db) {
  s.check();
  const conv::WeightGradientPlan plan =
      conv::plan_weight_gradient(s, HWY_DYNAMIC_DISPATCH(conv::limits)());
  const bool direct = plan.direct();
  Workspace<float> sums(direct ? 0 : plan.chunks * plan.out_rows * plan.out_columns);
  Workspace<double> bias(db ? plan.chunks * s.k : 0);
  std::fill_n(bias.data(), bias.size(), 0.0);
  (plan.by_tiles ? conv::by_tiles : conv::by_chunks)(plan, x, dy, direct ? dw : sums.data(),
                                                     db ? bias.data() : nullptr);
  if (!direct) conv::add_chunks(plan, sums.data(), dw);
  for (std::size_t k = 0; db && k < s.k; ++k) {
    double sum = 0;
    for (std::size_t chunk = 0; chunk < plan.chunks; ++chunk) sum += bias[chunk * s.k + k];
    db[k] = static_cast<float>(sum);
  }
}

}  // namespace tinct
#endif  // HWY_ONCE
