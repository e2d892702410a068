// A convolution over a hypercolumn, split by map.
//
// The maps of full size go through an ordinary convolution together. Of each smaller map the
// products of all taps are one 1x1 convolution; kernels/shifted_upsample.h adds them to the output.
// A picture at a time and a block of output channels at a time, so that products stay in cache.
#include "layers/hypercolumn.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/columns.h"
#include "kernels/conv/conv2d.h"
#include "kernels/shifted_upsample.h"
#include "kernels/twins.h"
#include "layers/cast.h"
#include "layers/count.h"
#include "layers/producer.h"

namespace tinct {
namespace {

constexpr std::size_t kBlock = 128;  // output channels

// A map's place in the hypercolumn.
struct Part {
  std::size_t index;    // among the maps
  std::size_t channel;  // its first one
  Shape shape;
};

struct Plan {
  std::size_t n = 0, oh = 0, ow = 0, k = 0, kernel = 0, channels = 0;
  Align align = Align::half_pixel;
  std::vector<Part> full, small;
  std::size_t full_channels = 0;
  Device device = Device::cpu;

  std::size_t taps() const { return kernel * kernel; }
  Conv2dShape full_conv() const {
    const std::size_t pad = kernel / 2;
    return {n, oh, ow, full_channels, k, kernel, kernel, 1, 1, 1, 1, pad, pad, pad, pad};
  }
  // Of `block` output channels and one picture.
  Conv2dShape products(const Part& part, std::size_t block) const {
    return {1, part.shape.h, part.shape.w, part.shape.c, taps() * block};
  }
  ShiftedUpsample sum(const Part& part, std::size_t block) const {
    return {part.shape.h, part.shape.w, oh, ow, kernel, block, k, align};
  }
  std::size_t block(std::size_t first) const { return std::min(kBlock, k - first); }
};

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

// Calls f(part, its first channel among the maps of full size).
template <class F>
void for_full_parts(const Plan& plan, const F& f) {
  std::size_t at = 0;
  for (const Part& part : plan.full) {
    f(part, at);
    at += part.shape.c;
  }
}

// The maps of full size side by side.
Tensor join_full(const Plan& plan, const std::vector<Value>& maps) {
  if (plan.full.size() == 1) return maps[plan.full[0].index].data();
  Tensor x({plan.n, plan.oh, plan.ow, plan.full_channels}, plan.device);
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    const std::size_t c = part.shape.c;
    const Columns side{part.shape.pixels(), c, c, 0, plan.full_channels, at};
    TINCT_ON(plan.device, copy_columns, side, maps[part.index].data().f32(), x.f32());
  });
  return x;
}

// Their weights.
Tensor full_weights(const Plan& plan, const Tensor& w) {
  Tensor full({plan.k, plan.kernel, plan.kernel, plan.full_channels}, plan.device);
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    const Columns own{plan.k * plan.taps(), part.shape.c,       plan.channels,
                      part.channel,         plan.full_channels, at};
    TINCT_ON(plan.device, copy_columns, own, w.f32(), full.f32());
  });
  return full;
}

// Of w (k,taps,channels) the rows of a tap, a part and the block from output channel `first`, to
// their place in the weights of the products, (taps,block,c).
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

// Their gradients, added to their places in dw.
void add_product_gradients(const Plan& plan, const Part& part, std::size_t first,
                           const float* products, float* dw) {
  for (std::size_t tap = 0; tap < plan.taps(); ++tap) {
    Columns rows = product_rows(plan, part, first, tap);
    std::swap(rows.in_wide, rows.out_wide);
    std::swap(rows.from, rows.to);
    TINCT_ON(plan.device, add_columns, rows, products, dw);
  }
}

// The weights of one block's products, on the host rearranged once for all pictures.
class ProductWeights {
 public:
  ProductWeights(const Plan& plan, std::size_t most)
      : plan_(plan), plain_({1, 1, 1, most}, plan.device) {}

  void take(const Part& part, std::size_t first, const float* w, bool backward) {
    copy_product_weights(plan_, part, first, w, plain_.f32());
    if (plan_.device != Device::cpu) return;
    const Conv2dShape s = plan_.products(part, plan_.block(first));
    packed_ = backward ? cpu::pack_weights_backward_data(s, plain_.f32())
                       : cpu::pack_weights(s, plain_.f32());
  }
  void multiply(const Conv2dShape& s, const float* x, float* y) const {
    if (plan_.device == Device::cpu) {
      cpu::conv2d(s, x, packed_, nullptr, Activation::none, y);
    } else {
      TINCT_ON(plan_.device, conv2d, s, x, plain_.f32(), nullptr, Activation::none, y);
    }
  }
  void multiply_backward(const Conv2dShape& s, const float* dy, float* dx) const {
    if (plan_.device == Device::cpu) {
      cpu::conv2d_backward_data(s, dy, packed_, dx);
    } else {
      TINCT_ON(plan_.device, conv2d_backward_data, s, dy, plain_.f32(), dx);
    }
  }

 private:
  const Plan& plan_;
  Tensor plain_;
  cpu::PackedWeights packed_;
};

// Floats for the products of any small map and block.
std::size_t most_products(const Plan& plan) {
  std::size_t most = 0;
  for (const Part& part : plan.small) {
    most = std::max(most, part.shape.h * part.shape.w * plan.taps() * plan.block(0));
  }
  return most;
}

std::size_t most_weights(const Plan& plan) {
  std::size_t most = 0;
  for (const Part& part : plan.small) most = std::max(most, part.shape.c);
  return most * plan.taps() * plan.block(0);
}

std::size_t picture(const Part& part) {
  return part.shape.h * part.shape.w * part.shape.c;
}

Tensor forward(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
               const float* bias) {
  Tensor y({plan.n, plan.oh, plan.ow, plan.k}, plan.device);
  if (!plan.full.empty()) {
    TINCT_ON(plan.device, conv2d, plan.full_conv(), join_full(plan, maps).f32(),
             full_weights(plan, w).f32(), bias, Activation::none, y.f32());
  } else if (bias != nullptr) {
    const Columns everywhere{y.shape().pixels(), plan.k, 0, 0, plan.k, 0};
    TINCT_ON(plan.device, copy_columns, everywhere, bias, y.f32());
  } else {
    y.fill(0);
  }
  if (plan.small.empty()) return y;
  Tensor products({1, 1, 1, most_products(plan)}, plan.device);
  ProductWeights weights(plan, most_weights(plan));
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    for (const Part& part : plan.small) {
      const Conv2dShape s = plan.products(part, block);
      weights.take(part, first, w.f32(), /*backward=*/false);
      for (std::size_t i = 0; i < plan.n; ++i) {
        weights.multiply(s, maps[part.index].data().f32() + i * picture(part), products.f32());
        TINCT_ON(plan.device, add_shifted_upsample, plan.sum(part, block), products.f32(),
                 y.f32() + i * plan.oh * plan.ow * plan.k + first);
      }
    }
  }
  return y;
}

// What the maps of full size and their weights receive.
void full_backward(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
                   const Tensor& dy, Tensor& dw) {
  if (dw.defined()) {
    Tensor dfull({plan.k, plan.kernel, plan.kernel, plan.full_channels}, plan.device);
    TINCT_ON(plan.device, conv2d_backward_weights, plan.full_conv(), join_full(plan, maps).f32(),
             dy.f32(), dfull.f32(), nullptr);
    for_full_parts(plan, [&](const Part& part, std::size_t at) {
      const Columns own{plan.k * plan.taps(), part.shape.c, plan.full_channels, at,
                        plan.channels,        part.channel};
      TINCT_ON(plan.device, copy_columns, own, dfull.f32(), dw.f32());
    });
  }
  const bool wanted = std::any_of(plan.full.begin(), plan.full.end(),
                                  [&](const Part& p) { return maps[p.index].requires_grad(); });
  if (!wanted) return;
  Tensor dx({plan.n, plan.oh, plan.ow, plan.full_channels}, plan.device);
  TINCT_ON(plan.device, conv2d_backward_data, plan.full_conv(), dy.f32(),
           full_weights(plan, w).f32(), dx.f32());
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    if (!maps[part.index].requires_grad()) return;
    Tensor own(part.shape, plan.device);
    const std::size_t c = part.shape.c;
    const Columns side{part.shape.pixels(), c, plan.full_channels, at, c, 0};
    TINCT_ON(plan.device, copy_columns, side, dx.f32(), own.f32());
    maps[part.index].add_grad(std::move(own));
  });
}

// What one smaller map and its weights receive.
void small_backward(const Plan& plan, const Part& part, const Value& map, const Tensor& w,
                    const Tensor& dy, Tensor& dw) {
  const bool wants_map = map.requires_grad();
  const std::size_t size = picture(part);
  Tensor dx = wants_map ? Tensor::zeros(part.shape, plan.device) : Tensor();
  Tensor products({1, 1, 1, most_products(plan)}, plan.device);
  Tensor gradient({1, 1, 1, most_weights(plan)}, plan.device);
  Tensor dmap({1, 1, 1, size}, plan.device);
  ProductWeights weights(plan, most_weights(plan));
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    const Conv2dShape s = plan.products(part, block);
    if (wants_map) weights.take(part, first, w.f32(), /*backward=*/true);
    for (std::size_t i = 0; i < plan.n; ++i) {
      TINCT_ON(plan.device, shifted_upsample_backward, plan.sum(part, block),
               dy.f32() + i * plan.oh * plan.ow * plan.k + first, products.f32());
      if (dw.defined()) {
        TINCT_ON(plan.device, conv2d_backward_weights, s, map.data().f32() + i * size,
                 products.f32(), gradient.f32(), nullptr);
        add_product_gradients(plan, part, first, gradient.f32(), dw.f32());
      }
      if (wants_map) {
        weights.multiply_backward(s, products.f32(), dmap.f32());
        const std::size_t c = part.shape.c;
        const Columns whole{size / c, c, c, 0, c, 0};
        TINCT_ON(plan.device, add_columns, whole, dmap.f32(), dx.f32() + i * size);
      }
    }
  }
  if (wants_map) map.add_grad(std::move(dx));
}

Tensor bias_gradient(const Tensor& dy) {
  Tensor db({1, 1, 1, dy.shape().c}, dy.device());
  TINCT_ON(dy.device(), sum_rows, dy.shape().pixels(), dy.shape().c, dy.f32(), db.f32());
  return db;
}

}  // namespace

Value hypercolumn_conv2d(const std::vector<Value>& given, const Value& w, const Value& bias,
                         std::size_t oh, std::size_t ow, Align align) {
  std::vector<Value> maps = given;  // its sums over shifted maps are f32 alone
  for (Value& map : maps) map = cast(map, DType::f32);
  Plan plan = make_plan(maps, w, oh, ow, align);
  plan.device = common_device("hypercolumn_conv2d", {&w, &bias});
  for (const Value& map : maps) common_device("hypercolumn_conv2d", {&map, &w});
  check_bias("hypercolumn_conv2d", bias, plan.k);
  add_macs(plan.n * oh * ow * plan.k * plan.taps() * plan.channels);
  Tensor y = forward(plan, maps, w.data(), bias_data(bias));
  std::vector<Value> inputs = maps;
  inputs.push_back(w);
  inputs.push_back(bias);
  return Value(std::move(y), std::move(inputs),
               [plan](std::vector<Value>& inputs, const Tensor& dy) {
                 const Value& w = inputs[inputs.size() - 2];
                 const Value& bias = inputs.back();
                 Tensor dw = w.requires_grad() ? Tensor::zeros(w.shape(), plan.device) : Tensor();
                 if (!plan.full.empty()) full_backward(plan, inputs, w.data(), dy, dw);
                 for (const Part& part : plan.small) {
                   if (!dw.defined() && !inputs[part.index].requires_grad()) continue;
                   small_backward(plan, part, inputs[part.index], w.data(), dy, dw);
                 }
                 if (dw.defined()) w.add_grad(std::move(dw));
                 if (bias.defined() && bias.requires_grad()) bias.add_grad(bias_gradient(dy));
               });
}

}  // namespace tinct
