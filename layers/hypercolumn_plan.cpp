// What the passes of a hypercolumn convolution share.
#include "layers/hypercolumn_plan.h"

#include <stdexcept>
#include <string>

#include "kernels/twins.h"

namespace tinct::hypercolumn {

Plan make_plan(const std::vector<Value>& maps, const Value& w, std::size_t oh, std::size_t ow,
               Align align) {
  const auto refuse = [](const std::string& what) {
    throw std::invalid_argument("hypercolumn_conv2d: " + what);
  };
  if (maps.empty()) refuse("there is no map");
  const Shape ws = w.shape();
  Plan plan{maps[0].shape().n, oh, ow, ws.n, ws.h, 0, align, {}, {}, 0};
  if (ws.h != ws.w || ws.h % 2 == 0) refuse("weights " + to_string(ws) + " are not odd squares");
  if (oh == 0 || ow == 0) refuse("the output is empty");
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Shape s = maps[i].shape();
    if (s.n != plan.n || s.size() == 0) refuse("map " + to_string(s) + " has no place");
    const bool is_full = s.h == oh && s.w == ow;
    (is_full ? plan.full : plan.small).push_back({i, plan.channels, s});
    if (is_full) plan.full_channels += s.c;
    plan.channels += s.c;
  }
  if (ws.c != plan.channels) {
    refuse("maps of " + std::to_string(plan.channels) + " channels for weights " + to_string(ws));
  }
  return plan;
}

Tensor full_weights(const Plan& plan, const Tensor& w) {
  Tensor full({plan.k, plan.kernel, plan.kernel, plan.full_channels}, plan.device);
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    const Columns own{plan.k * plan.taps(), part.shape.c,       plan.channels,
                      part.channel,         plan.full_channels, at};
    TINCT_ON(plan.device, copy_columns, own, w.f32(), full.f32());
  });
  return full;
}

Columns product_rows(const Plan& plan, const Part& part, std::size_t first, std::size_t tap) {
  const std::size_t block = plan.block(first), c = part.shape.c;
  return {.rows = block,
          .count = c,
          .in_wide = plan.taps() * plan.channels,
          .from = (first * plan.taps() + tap) * plan.channels + part.channel,
          .out_wide = c,
          .to = tap * block * c};
}

void copy_product_weights(const Plan& plan, const Part& part, std::size_t first, const float* w,
                          float* products) {
  for (std::size_t tap = 0; tap < plan.taps(); ++tap) {
    TINCT_ON(plan.device, copy_columns, product_rows(plan, part, first, tap), w, products);
  }
}

}  // namespace tinct::hypercolumn
