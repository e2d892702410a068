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

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/conv/conv2d.h"
#include "kernels/shifted_upsample.h"
#include "layers/count.h"
#include "layers/producer.h"

namespace tinct {
namespace {

constexpr std::size_t kBlock = 64;  // output channels

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

// Columns [from, from + count) of `rows` rows of `wide` numbers, to columns [to, ...) of rows of
// `out_wide`.
void copy_columns(std::size_t rows, const float* in, std::size_t wide, std::size_t from, float* out,
                  std::size_t out_wide, std::size_t to, std::size_t count) {
  parallel_for(rows, [=](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      std::copy_n(in + r * wide + from, count, out + r * out_wide + to);
    }
  });
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
  Tensor x({plan.n, plan.oh, plan.ow, plan.full_channels});
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    copy_columns(part.shape.pixels(), maps[part.index].data().f32(), part.shape.c, 0, x.f32(),
                 plan.full_channels, at, part.shape.c);
  });
  return x;
}

// Their weights.
Tensor full_weights(const Plan& plan, const Tensor& w) {
  Tensor full({plan.k, plan.kernel, plan.kernel, plan.full_channels});
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    copy_columns(plan.k * plan.taps(), w.f32(), plan.channels, part.channel, full.f32(),
                 plan.full_channels, at, part.shape.c);
  });
  return full;
}

// Calls f(offset in w, offset in the weights of the products) for rows of part.shape.c weights: of
// w (k,taps,channels) the block from output channel `first`, and (taps,block,c).
template <class F>
void for_product_rows(const Plan& plan, const Part& part, std::size_t first, const F& f) {
  const std::size_t block = plan.block(first);
  for (std::size_t j = 0; j < block; ++j) {
    for (std::size_t t = 0; t < plan.taps(); ++t) {
      f(((first + j) * plan.taps() + t) * plan.channels + part.channel,
        (t * block + j) * part.shape.c);
    }
  }
}

void copy_product_weights(const Plan& plan, const Part& part, std::size_t first, const float* w,
                          float* products) {
  for_product_rows(plan, part, first, [&](std::size_t from, std::size_t to) {
    std::copy_n(w + from, part.shape.c, products + to);
  });
}

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
  Tensor y({plan.n, plan.oh, plan.ow, plan.k});
  if (!plan.full.empty()) {
    cpu::conv2d(plan.full_conv(), join_full(plan, maps).f32(), full_weights(plan, w).f32(), bias,
                Activation::none, y.f32());
  } else if (bias != nullptr) {
    for (std::size_t i = 0; i < y.size(); ++i) y.f32()[i] = bias[i % plan.k];
  } else {
    y.fill(0);
  }
  if (plan.small.empty()) return y;
  Workspace<float> products(most_products(plan));
  Workspace<float> weights(most_weights(plan));
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    for (const Part& part : plan.small) {
      const Conv2dShape s = plan.products(part, block);
      copy_product_weights(plan, part, first, w.f32(), weights.data());
      const cpu::PackedWeights packed = cpu::pack_weights(s, weights.data());
      for (std::size_t i = 0; i < plan.n; ++i) {
        cpu::conv2d(s, maps[part.index].data().f32() + i * picture(part), packed, nullptr,
                    Activation::none, products.data());
        cpu::add_shifted_upsample(plan.sum(part, block), products.data(),
                                  y.f32() + i * plan.oh * plan.ow * plan.k + first);
      }
    }
  }
  return y;
}

void add_to(std::size_t count, const float* x, float* sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += x[i];
}

// What the maps of full size and their weights receive.
void full_backward(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
                   const Tensor& dy, Tensor& dw) {
  if (dw.defined()) {
    Tensor dfull({plan.k, plan.kernel, plan.kernel, plan.full_channels});
    cpu::conv2d_backward_weights(plan.full_conv(), join_full(plan, maps).f32(), dy.f32(),
                                 dfull.f32(), nullptr);
    for_full_parts(plan, [&](const Part& part, std::size_t at) {
      copy_columns(plan.k * plan.taps(), dfull.f32(), plan.full_channels, at, dw.f32(),
                   plan.channels, part.channel, part.shape.c);
    });
  }
  const bool wanted = std::any_of(plan.full.begin(), plan.full.end(),
                                  [&](const Part& p) { return maps[p.index].requires_grad(); });
  if (!wanted) return;
  Tensor dx({plan.n, plan.oh, plan.ow, plan.full_channels});
  cpu::conv2d_backward_data(plan.full_conv(), dy.f32(), full_weights(plan, w).f32(), dx.f32());
  for_full_parts(plan, [&](const Part& part, std::size_t at) {
    if (!maps[part.index].requires_grad()) return;
    Tensor own(part.shape);
    copy_columns(part.shape.pixels(), dx.f32(), plan.full_channels, at, own.f32(), part.shape.c, 0,
                 part.shape.c);
    maps[part.index].add_grad(std::move(own));
  });
}

// What one smaller map and its weights receive.
void small_backward(const Plan& plan, const Part& part, const Value& map, const Tensor& w,
                    const Tensor& dy, Tensor& dw) {
  const bool wants_map = map.requires_grad();
  Tensor dx = wants_map ? Tensor::zeros(part.shape) : Tensor();
  Workspace<float> products(most_products(plan));
  Workspace<float> weights(most_weights(plan));
  Workspace<float> gradient(most_weights(plan));
  Workspace<float> dmap(picture(part));
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    const std::size_t block = plan.block(first);
    const Conv2dShape s = plan.products(part, block);
    cpu::PackedWeights packed;
    if (wants_map) {
      copy_product_weights(plan, part, first, w.f32(), weights.data());
      packed = cpu::pack_weights_backward_data(s, weights.data());
    }
    for (std::size_t i = 0; i < plan.n; ++i) {
      cpu::shifted_upsample_backward(plan.sum(part, block),
                                     dy.f32() + i * plan.oh * plan.ow * plan.k + first,
                                     products.data());
      if (dw.defined()) {
        cpu::conv2d_backward_weights(s, map.data().f32() + i * picture(part), products.data(),
                                     gradient.data(), nullptr);
        for_product_rows(plan, part, first, [&](std::size_t to, std::size_t from) {
          add_to(part.shape.c, gradient.data() + from, dw.f32() + to);
        });
      }
      if (wants_map) {
        cpu::conv2d_backward_data(s, products.data(), packed, dmap.data());
        add_to(picture(part), dmap.data(), dx.f32() + i * picture(part));
      }
    }
  }
  if (wants_map) map.add_grad(std::move(dx));
}

Tensor bias_gradient(const Tensor& dy) {
  const std::size_t k = dy.shape().c;
  std::vector<double> sum(k);
  for (std::size_t i = 0; i < dy.size(); ++i) sum[i % k] += dy.f32()[i];
  Tensor db({1, 1, 1, k});
  std::copy(sum.begin(), sum.end(), db.f32());
  return db;
}

}  // namespace

Value hypercolumn_conv2d(const std::vector<Value>& maps, const Value& w, const Value& bias,
                         std::size_t oh, std::size_t ow, Align align) {
  const Plan plan = make_plan(maps, w, oh, ow, align);
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
                 Tensor dw = w.requires_grad() ? Tensor::zeros(w.shape()) : Tensor();
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
