// A convolution over a hypercolumn, split by map.
//
// The maps of full size go through an ordinary convolution together. Of each smaller map the
// products of all taps are one 1x1 convolution; kernels/shifted_upsample.h adds them to the output.
// A picture at a time and a block of output channels at a time; on the host, forward, a few rows at
// a time too (hypercolumn_rows.h).
#include "layers/hypercolumn.h"

#include <algorithm>
#include <utility>

#include "kernels/twins.h"
#include "layers/cast.h"
#include "layers/count.h"
#include "layers/hypercolumn_plan.h"
#include "layers/hypercolumn_rows.h"
#include "layers/producer.h"

namespace tinct {
namespace hypercolumn {
namespace {

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

// The data gradient of one block's products; on the host their weights are rearranged once for all
// pictures.
class ProductsBackward {
 public:
  ProductsBackward(const Plan& plan, std::size_t most)
      : plan_(plan), plain_({1, 1, 1, most}, plan.device) {}

  void take(const Part& part, std::size_t first, const float* w) {
    copy_product_weights(plan_, part, first, w, plain_.f32());
    if (plan_.device != Device::cpu) return;
    packed_ =
        cpu::pack_weights_backward_data(plan_.products(part, plan_.block(first)), plain_.f32());
  }
  void operator()(const Conv2dShape& s, const float* dy, float* dx) const {
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

Tensor forward(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
               const float* bias) {
  if (plan.device == Device::cpu && !plan.small.empty()) {
    return forward_by_rows(plan, maps, w, bias);
  }
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
  Tensor weights({1, 1, 1, most_weights(plan)}, plan.device);
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    for (const Part& part : plan.small) {
      const Conv2dShape s = plan.products(part, block);
      copy_product_weights(plan, part, first, w.f32(), weights.f32());
      for (std::size_t i = 0; i < plan.n; ++i) {
        TINCT_ON(plan.device, conv2d, s, maps[part.index].data().f32() + i * part.picture(),
                 weights.f32(), nullptr, Activation::none, products.f32());
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
  const std::size_t size = part.picture();
  Tensor dx = wants_map ? Tensor::zeros(part.shape, plan.device) : Tensor();
  Tensor products({1, 1, 1, most_products(plan)}, plan.device);
  Tensor gradient({1, 1, 1, most_weights(plan)}, plan.device);
  Tensor dmap({1, 1, 1, size}, plan.device);
  ProductsBackward backward(plan, most_weights(plan));
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    const Conv2dShape s = plan.products(part, block);
    if (wants_map) backward.take(part, first, w.f32());
    for (std::size_t i = 0; i < plan.n; ++i) {
      TINCT_ON(plan.device, shifted_upsample_backward, plan.sum(part, block),
               dy.f32() + i * plan.oh * plan.ow * plan.k + first, products.f32());
      if (dw.defined()) {
        TINCT_ON(plan.device, conv2d_backward_weights, s, map.data().f32() + i * size,
                 products.f32(), gradient.f32(), nullptr);
        add_product_gradients(plan, part, first, gradient.f32(), dw.f32());
      }
      if (wants_map) {
        backward(s, products.f32(), dmap.f32());
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
}  // namespace hypercolumn

Value hypercolumn_conv2d(const std::vector<Value>& given, const Value& w, const Value& bias,
                         std::size_t oh, std::size_t ow, Align align) {
  using namespace hypercolumn;
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
