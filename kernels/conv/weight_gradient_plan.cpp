// How a weight gradient is cut.
#include "kernels/conv/weight_gradient_plan.h"

#include <algorithm>

namespace tinct::conv {
namespace {

// A chunk's packed operands stay in a core's L2 cache beside its output.
constexpr std::size_t kChunkBytes = 640 << 10;
// Operands that are packed for all tiles stay in a shared cache.
constexpr std::size_t kSharedBytes = 16 << 20;
// Pixels summed in registers before the sum joins the output: enough to hide that addition, few
// enough for the rounding of a float sum to stay small.
constexpr std::size_t kSpanPixels = 256;
// Chunks or tiles to aim at, so that any usual number of threads is kept busy.
constexpr std::size_t kUnits = 16;
// Pixels below which a chunk is not worth an output of its own.
constexpr std::size_t kChunkPixels = 256;
// Channels of x and of dy in a tile of output, at most and at least.
constexpr std::size_t kTileMost = 64;
constexpr std::size_t kTileLeast = 16;

std::size_t divide_up(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

std::size_t round_up(std::size_t a, std::size_t b) {
  return divide_up(a, b) * b;
}

void choose_operands(WeightGradientPlan& plan, const TileLimits& limits) {
  const Conv2dShape& s = plan.s;
  const std::size_t columns = (s.ow() - 1) * s.stride_w + s.dilation_w * (s.kw - 1) + 1;
  Operand x{s.h,        s.w,         s.c,        s.pad_top,
            s.pad_left, s.stride_h,  s.stride_w, s.dilation_h * (s.kh - 1),
            columns,    limits.lanes};
  Operand dy{s.oh(), s.ow(), s.k, 0, 0, 1, 1, 0, s.ow(), std::min(limits.run, s.k)};
  // Lanes that work on padding are lost.
  plan.dy_in_vectors =
      round_up(s.k, limits.lanes) * s.c * 4 < round_up(s.c, limits.lanes) * s.k * 3;
  if (plan.dy_in_vectors) {
    x.width = s.c;
    dy.width = limits.lanes;
    plan.vectors = dy;
    plan.scalars = x;
    plan.out_rows = s.kh * s.kw * s.c;
    plan.out_columns = round_up(s.k, limits.lanes);
  } else {
    plan.vectors = x;
    plan.scalars = dy;
    plan.out_rows = s.k;
    plan.out_columns = s.kh * s.kw * round_up(s.c, limits.lanes);
  }
  plan.max_run = limits.max_run;
}

void choose_units(WeightGradientPlan& plan) {
  const Conv2dShape& s = plan.s;
  const std::size_t pixels = s.n * s.oh() * s.ow();
  plan.by_tiles = 2 * kUnits * s.w_size() > s.x_size() + s.y_size();
  if (!plan.by_tiles) plan.chunks = std::clamp<std::size_t>(pixels / kChunkPixels, 1, kUnits);
  for (std::size_t channels = kTileMost; channels >= kTileLeast; channels /= 2) {
    for (Operand* o : {&plan.vectors, &plan.scalars}) {
      const std::size_t units = divide_up(o->c, channels);
      o->unit = o->width == o->c ? o->c : round_up(divide_up(o->c, units), o->width);
    }
    if (plan.tiles() >= kUnits) break;
  }
}

void choose_blocks(WeightGradientPlan& plan) {
  const Conv2dShape& s = plan.s;
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  std::size_t halo = 0;
  std::size_t row = 0;
  for (const Operand& o : {plan.vectors, plan.scalars}) {
    const std::size_t bytes = o.columns * o.planes(o.c) * o.width * sizeof(float);
    halo += o.reach * bytes;
    row += o.stride_h * bytes;
  }

  plan.span_columns = divide_up(ow, divide_up(ow, kSpanPixels * 3 / 2));
  plan.span_rows = std::clamp<std::size_t>(kSpanPixels / ow, 1, oh);
  if (plan.span_rows == oh) plan.span_images = std::max<std::size_t>(kSpanPixels / (oh * ow), 1);

  const std::size_t budget = std::max(plan.by_tiles ? kSharedBytes : kChunkBytes, halo + row);
  std::size_t rows = std::min({(budget - halo) / row, oh, divide_up(s.n * oh, plan.chunks)});
  rows = std::min(round_up(rows, plan.span_rows), oh);
  const std::size_t images = rows < oh ? 1
                                       : std::clamp<std::size_t>(budget / (halo + row * oh), 1,
                                                                 divide_up(s.n, plan.chunks));
  for (std::size_t image = 0; image < s.n; image += images) {
    for (std::size_t y = 0; y < oh; y += rows) {
      plan.blocks.push_back({image, std::min(images, s.n - image), y, std::min(rows, oh - y)});
    }
  }
  plan.chunks = std::min(plan.chunks, plan.blocks.size());
  for (Operand* o : {&plan.vectors, &plan.scalars}) {
    o->plane = images * o->packed_rows(rows) * o->columns * o->width;
  }
}

}  // namespace

std::vector<VectorSlot> WeightGradientPlan::slots(std::size_t begin, std::size_t end) const {
  std::vector<VectorSlot> list;
  const std::size_t lanes = vectors.width;
  const std::size_t padded = out_columns / (s.kh * s.kw);
  for (std::size_t p = begin / lanes; p < vectors.planes(end); ++p) {
    if (dy_in_vectors) {
      list.push_back({p * vectors.plane, p * lanes});
      continue;
    }
    for (std::size_t ky = 0; ky < s.kh; ++ky) {
      for (std::size_t kx = 0; kx < s.kw; ++kx) {
        const std::size_t pixel = ky * s.dilation_h * vectors.columns + kx * s.dilation_w;
        list.push_back({p * vectors.plane + pixel * lanes, (ky * s.kw + kx) * padded + p * lanes});
      }
    }
  }
  return list;
}

std::vector<ScalarRun> WeightGradientPlan::runs(std::size_t begin, std::size_t end) const {
  std::vector<ScalarRun> list;
  if (!dy_in_vectors) {
    for (std::size_t k = begin; k < end; k += scalars.width) {
      list.push_back({k / scalars.width * scalars.plane, k, std::min(scalars.width, end - k)});
    }
    return list;
  }
  // Without dilation the channels of neighbouring taps follow each other.
  const bool joined = s.dilation_w == 1;
  const std::size_t length = joined ? s.kw * s.c : s.c;
  const std::size_t step = divide_up(length, divide_up(length, max_run));
  for (std::size_t ky = 0; ky < s.kh; ++ky) {
    for (std::size_t kx = 0; kx < (joined ? 1 : s.kw); ++kx) {
      const std::size_t pixel = ky * s.dilation_h * scalars.columns + kx * s.dilation_w;
      const std::size_t out = (ky * s.kw + kx) * s.c;
      for (std::size_t i = 0; i < length; i += step) {
        list.push_back({pixel * s.c + i, out + i, std::min(step, length - i)});
      }
    }
  }
  return list;
}

WeightGradientPlan plan_weight_gradient(const Conv2dShape& s, const TileLimits& limits) {
  WeightGradientPlan plan;
  plan.s = s;
  choose_operands(plan, limits);
  choose_units(plan);
  choose_blocks(plan);
  return plan;
}

}  // namespace tinct::conv
