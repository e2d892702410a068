// How a weight gradient is cut.
#include "kernels/conv/weight_gradient_plan.h"

#include <algorithm>

namespace tinct::conv {
namespace {

// A unit's packed operands stay in a core's L2 cache together with its tile of the output.
constexpr std::size_t kPackedBytes = 640 << 10;
// Channels of x and of dy that a unit takes: a 3x3 tile of 64 by 64 is 144 KiB of output.
constexpr std::size_t kUnitChannels = 64;
// Pixels summed in registers before the sum joins the output: enough to hide that addition, few
// enough for the rounding of a float sum to stay small.
constexpr std::size_t kSpanPixels = 256;
// Units of work to aim at, so that any usual number of threads is kept busy.
constexpr std::size_t kUnits = 16;
// Pixels below which a chunk is not worth its own copy of the output.
constexpr std::size_t kChunkPixels = 256;

std::size_t divide_up(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

std::size_t round_up(std::size_t a, std::size_t b) {
  return divide_up(a, b) * b;
}

// A unit of about kUnitChannels: whole planes, all units about the same.
std::size_t unit_channels(std::size_t channels, std::size_t width) {
  return round_up(divide_up(channels, divide_up(channels, kUnitChannels)), width);
}

void choose_operands(WeightGradientPlan& plan, const TileLimits& limits) {
  const Conv2dShape& s = plan.s;
  const std::size_t columns = (s.ow() - 1) * s.stride_w + s.dilation_w * (s.kw - 1) + 1;
  Operand x{s.h,
            s.w,
            s.c,
            s.pad_top,
            s.pad_left,
            s.stride_h,
            s.stride_w,
            s.dilation_h * (s.kh - 1),
            columns,
            limits.lanes,
            unit_channels(s.c, limits.lanes)};
  Operand dy{
      s.oh(), s.ow(), s.k, 0, 0, 1, 1, 0, s.ow(), limits.run, unit_channels(s.k, limits.run)};
  // Lanes that work on padding are lost.
  plan.dy_in_vectors =
      round_up(s.k, limits.lanes) * s.c * 4 < round_up(s.c, limits.lanes) * s.k * 3;
  if (plan.dy_in_vectors) {
    x.width = x.unit = s.c;
    dy.width = limits.lanes;
    dy.unit = unit_channels(s.k, limits.lanes);
    plan.vectors = dy;
    plan.scalars = x;
    plan.out_rows = s.kh * s.kw * s.c;
    plan.out_columns = round_up(s.k, limits.lanes);
  } else {
    dy.width = std::min(dy.width, s.k);
    plan.vectors = x;
    plan.scalars = dy;
    plan.out_rows = s.k;
    plan.out_columns = s.kh * s.kw * round_up(s.c, limits.lanes);
  }
  plan.max_run = limits.max_run;
}

void choose_blocks(WeightGradientPlan& plan) {
  const Conv2dShape& s = plan.s;
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  const auto row_bytes = [](const Operand& o) {
    return o.columns * o.planes(std::min(o.unit, o.c)) * o.width * sizeof(float);
  };
  const std::size_t halo =
      plan.vectors.reach * row_bytes(plan.vectors) + plan.scalars.reach * row_bytes(plan.scalars);
  const std::size_t row = plan.vectors.stride_h * row_bytes(plan.vectors) +
                          plan.scalars.stride_h * row_bytes(plan.scalars);

  const std::size_t tiles = plan.vectors.units() * plan.scalars.units();
  const std::size_t wanted =
      tiles >= kUnits / 2
          ? 1
          : std::clamp<std::size_t>(s.n * oh * ow / kChunkPixels, 1, divide_up(kUnits, tiles));

  plan.span_columns = divide_up(ow, divide_up(ow, kSpanPixels * 3 / 2));
  plan.span_rows = std::clamp<std::size_t>(kSpanPixels / ow, 1, oh);

  std::size_t images = 1;
  std::size_t rows = std::max<std::size_t>(kPackedBytes, halo + row) - halo;
  rows = std::min({std::max<std::size_t>(rows / row, 1), oh, divide_up(s.n * oh, wanted)});
  rows = std::min(round_up(rows, plan.span_rows), oh);
  if (rows == oh && oh * ow <= kSpanPixels / 2) {
    images = std::min({kSpanPixels / (oh * ow), s.n, divide_up(s.n, wanted)});
  }
  for (std::size_t image = 0; image < s.n; image += images) {
    for (std::size_t y = 0; y < oh; y += rows) {
      plan.blocks.push_back({image, std::min(images, s.n - image), y, std::min(rows, oh - y)});
    }
  }
  plan.chunks = std::min(wanted, plan.blocks.size());
  for (Operand* o : {&plan.vectors, &plan.scalars}) {
    o->plane = images * o->packed_rows(rows) * o->columns * o->width;
  }
}

}  // namespace

std::vector<VectorSlot> WeightGradientPlan::slots(std::size_t begin, std::size_t end) const {
  std::vector<VectorSlot> list;
  const std::size_t lanes = vectors.width;
  for (std::size_t p = 0; p < vectors.planes(end - begin); ++p) {
    if (dy_in_vectors) {
      list.push_back({p * vectors.plane, begin + p * lanes});
      continue;
    }
    const std::size_t padded = out_columns / (s.kh * s.kw);
    for (std::size_t ky = 0; ky < s.kh; ++ky) {
      for (std::size_t kx = 0; kx < s.kw; ++kx) {
        const std::size_t pixel = ky * s.dilation_h * vectors.columns + kx * s.dilation_w;
        list.push_back(
            {p * vectors.plane + pixel * lanes, (ky * s.kw + kx) * padded + begin + p * lanes});
      }
    }
  }
  return list;
}

std::vector<ScalarRun> WeightGradientPlan::runs(std::size_t begin, std::size_t end) const {
  std::vector<ScalarRun> list;
  if (!dy_in_vectors) {
    for (std::size_t k = begin; k < end; k += scalars.width) {
      list.push_back(
          {(k - begin) / scalars.width * scalars.plane, k, std::min(scalars.width, end - k)});
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
  choose_blocks(plan);
  return plan;
}

}  // namespace tinct::conv
