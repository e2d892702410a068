// Every operation by name, with its tensors, its settings and how it is called: those of networks.
#include <stdexcept>

#include "layers/activation.h"
#include "layers/add.h"
#include "layers/average_pool.h"
#include "layers/batch_norm.h"
#include "layers/bilinear_upsample.h"
#include "layers/concat.h"
#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/dropout.h"
#include "layers/fully_connected.h"
#include "layers/gaussian_blur.h"
#include "layers/max_pool.h"
#include "layers/nearest_upsample.h"
#include "layers/scale.h"
#include "models/model.h"
#include "tools/op.h"
#include "tools/op_table.h"

namespace tinct {
namespace {

using Kind = SettingKind;
using op_table::border;
using op_table::normalised;
using op_table::x;

// Tensors and settings that several operations share.
const OpTensor conv_w{"w", "(out,kh,kw,in)"};
const OpTensor conv_b{"b", "(out)", true};

OpSetting stride(const char* fallback) {
  return {"stride", Kind::pair, fallback, fallback[0] != '\0' ? "h,w" : "h,w; default: the kernel"};
}
const OpSetting dilation{"dilation", Kind::pair, "1", "h,w"};
const OpSetting activation{"activation",
                           Kind::choice,
                           "none",
                           "applied to the output by the same kernel",
                           {"none", "relu", "leaky-relu", "sigmoid", "tanh"}};
const OpSetting pool_kernel{"kernel", Kind::pair, "2", "h,w"};
const OpSetting pool_pad{"pad", Kind::sides, "0", "top,left,bottom,right"};
const OpSetting pool_ceil{"ceil", Kind::flag, "false", "round the output's extents up"};
const OpSetting size{"size", Kind::pair, "", "h,w of the output"};

Activation activation_of(const OpCall& call) {
  return static_cast<Activation>(call.set.choice("activation"));
}

Value run_conv2d(OpCall& call) {
  const Value input = call.value("x");
  const Value w = call.value("w");
  const auto [stride_h, stride_w] = call.set.pair("stride");
  const auto [dilation_h, dilation_w] = call.set.pair("dilation");
  Conv2dOptions o{stride_h, stride_w, dilation_h, dilation_w};
  if (call.set.text("pad") == "same") {
    const Shape& s = input.shape();
    const Conv2dOptions rows = tensorflow_same(s.h, s.h, w.shape().h, stride_h, dilation_h);
    const Conv2dOptions columns = tensorflow_same(s.w, s.w, w.shape().w, stride_w, dilation_w);
    o.pad_top = rows.pad_top;
    o.pad_bottom = rows.pad_bottom;
    o.pad_left = columns.pad_left;
    o.pad_right = columns.pad_right;
  } else {
    const auto [top, left, bottom, right] = call.set.sides("pad");
    o.pad_top = top;
    o.pad_left = left;
    o.pad_bottom = bottom;
    o.pad_right = right;
  }
  o.activation = activation_of(call);
  return conv2d(input, w, call.value("b"), o);
}

Value run_conv_transpose2d(OpCall& call) {
  const auto [stride_h, stride_w] = call.set.pair("stride");
  const auto [dilation_h, dilation_w] = call.set.pair("dilation");
  const auto [top, left, bottom, right] = call.set.sides("pad");
  const auto [output_h, output_w] = call.set.pair("output_pad");
  return conv_transpose2d(call.value("x"), call.value("w"), call.value("b"),
                          {stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right,
                           output_h, output_w, activation_of(call)});
}

Value run_fully_connected(OpCall& call) {
  return fully_connected(call.value("x"), call.value("w"), call.value("b"), activation_of(call));
}

Tensor channels_or(const OpCall& call, const char* name, std::size_t c, float fallback) {
  const Tensor given = call.tensor(name);
  return given.defined() ? given.clone()
                         : Tensor::full({1, 1, 1, c}, fallback, call.value("x").device());
}

Value run_batch_norm(OpCall& call) {
  const Value input = call.value("x");
  const std::size_t c = input.shape().c;
  BatchNorm layer = make_batch_norm(c);
  Parameters drawn;
  layer.collect(drawn, "");
  move_to(drawn, input.device());
  if (call.value("gamma").defined()) layer.gamma = call.value("gamma");
  if (call.value("beta").defined()) layer.beta = call.value("beta");
  layer.running_mean = Value(channels_or(call, "running_mean", c, 0));
  layer.running_var = Value(channels_or(call, "running_var", c, 1));
  for (const Value* v : {&layer.gamma, &layer.beta, &layer.running_mean, &layer.running_var}) {
    if (v->shape() != Shape{1, 1, 1, c}) {
      throw std::invalid_argument("batch_norm: x " + to_string(input.shape()) +
                                  " needs gamma, beta, running_mean and running_var of " +
                                  std::to_string(c) + " numbers, not " + to_string(v->shape()));
    }
  }
  layer.eps = static_cast<float>(call.set.number("eps"));
  layer.momentum = static_cast<float>(call.set.number("momentum"));
  layer.unbiased_running_var = call.set.flag("unbiased");
  layer.always_train = call.set.flag("always_train");
  if (!(layer.eps >= 0)) throw std::invalid_argument("setting eps: must not be negative");
  Mode mode;
  mode.training = call.set.flag("training");
  Value y = layer(input, mode, activation_of(call));
  if (mode.training) {
    call.output("running_mean", layer.running_mean.data());
    call.output("running_var", layer.running_var.data());
  }
  return y;
}

PoolWindow window_of(const OpCall& call) {
  const auto [kh, kw] = call.set.pair("kernel");
  const auto [stride_h, stride_w] = call.set.pair(call.set.has("stride") ? "stride" : "kernel");
  const auto [top, left, bottom, right] = call.set.sides("pad");
  return {kh, kw, stride_h, stride_w, top, left, bottom, right, call.set.flag("ceil")};
}

std::array<std::size_t, 2> size_of(const OpCall& call) {
  if (!call.set.has("size")) {
    throw std::invalid_argument("setting size=h,w of the output is missing");
  }
  return call.set.pair("size");
}

Value run_concat(OpCall& call) {
  std::vector<Value> inputs = {call.value("x")};
  for (int i = 2;; ++i) {
    const Value next = call.value("x" + std::to_string(i));
    if (!next.defined()) return concat(inputs);
    inputs.push_back(next);
  }
}

Value run_dropout(OpCall& call) {
  Mode mode;
  mode.training = call.set.flag("training");
  mode.seed = call.set.count("seed");
  mode.step = call.set.count("step");
  return dropout(call.value("x"), static_cast<float>(call.set.number("rate")), mode,
                 call.set.count("layer"));
}

Value run_gaussian_blur(OpCall& call) {
  return gaussian_blur(call.value("x"), {call.set.count("kernel"), call.set.number("sigma"),
                                         call.set.flag("normalised"),
                                         static_cast<Border>(call.set.choice("border"))});
}

void add_weighted(std::vector<Operation>& table) {
  table.push_back(
      {"conv2d",
       "Convolution (cross-correlation)",
       {x, conv_w, conv_b},
       {stride("1"), dilation, {"pad", Kind::sides, "0", "or same: TensorFlow's SAME"}, activation},
       run_conv2d});
  table.push_back({"conv_transpose2d",
                   "Transposed convolution; pad crops the full output",
                   {x, conv_w, conv_b},
                   {stride("1"),
                    dilation,
                    {"pad", Kind::sides, "0", "rows and columns that are cropped"},
                    {"output_pad", Kind::pair, "0", "rows at the bottom, columns at the right"},
                    activation},
                   run_conv_transpose2d});
  table.push_back({"fully_connected",
                   "y = x w' + b, each picture of x read as one row",
                   {x, {"w", "(out,1,1,in)"}, conv_b},
                   {activation},
                   run_fully_connected,
                   true,
                   false,
                   true});
  table.push_back({"batch_norm",
                   "Batch normalisation; writes the moved running statistics in training",
                   {x,
                    {"gamma", "(c)", true, true, "w"},
                    {"beta", "(c)", true, true, "b"},
                    {"running_mean", "(c)", true, false},
                    {"running_var", "(c)", true, false}},
                   {{"training", Kind::flag, "false", "statistics of the batch, not running ones"},
                    {"eps", Kind::number, "1e-5", "added to the variance"},
                    {"momentum", Kind::number, "0.1", "the share of the new batch"},
                    {"unbiased", Kind::flag, "true", "running_var takes the n/(n-1) variance"},
                    {"always_train", Kind::flag, "false", "batch statistics outside training too"},
                    activation},
                   run_batch_norm});
}

void add_elementwise(std::vector<Operation>& table) {
  table.push_back({"relu", "max(x, 0)", {x}, {}, [](OpCall& c) { return relu(c.value("x")); }});
  table.push_back({"leaky_relu",
                   "x above 0, slope x below",
                   {x},
                   {{"slope", Kind::number, "0.2", "not negative"}},
                   [](OpCall& c) {
                     return leaky_relu(c.value("x"), static_cast<float>(c.set.number("slope")));
                   }});
  table.push_back(
      {"sigmoid", "1 / (1 + exp(-x))", {x}, {}, [](OpCall& c) { return sigmoid(c.value("x")); }});
  table.push_back(
      {"tanh", "Hyperbolic tangent", {x}, {}, [](OpCall& c) { return tanh(c.value("x")); }});
  table.push_back({"add", "activation(x + x2)", {x, {"x2", "as x"}}, {activation}, [](OpCall& c) {
                     return add(c.value("x"), c.value("x2"), activation_of(c));
                   }});
  table.push_back({"scale", "factor x", {x}, {{"factor", Kind::number, "1", ""}}, [](OpCall& c) {
                     return scale(c.value("x"), static_cast<float>(c.set.number("factor")));
                   }});
  table.push_back({"concat",
                   "x, x2, x3, ... side by side in the channels",
                   {x, {"x2", "(n,h,w,c2)", true}},
                   {},
                   run_concat,
                   true,
                   true});
  table.push_back({"dropout",
                   "Zeroes elements at random, scales the others by 1 / (1 - rate)",
                   {x},
                   {{"rate", Kind::number, "0.5", "in [0, 1)"},
                    {"training", Kind::flag, "true", "outside training y is x"},
                    {"seed", Kind::count, "0", "the mask depends on seed, step and layer alone"},
                    {"step", Kind::count, "0", ""},
                    {"layer", Kind::count, "0", ""}},
                   run_dropout});
}

void add_spatial(std::vector<Operation>& table) {
  table.push_back({"max_pool",
                   "The largest element of each window",
                   {x},
                   {pool_kernel, stride(""), pool_pad, pool_ceil},
                   [](OpCall& c) { return max_pool(c.value("x"), window_of(c)); }});
  table.push_back({"average_pool",
                   "The mean of each window",
                   {x},
                   {pool_kernel,
                    stride(""),
                    pool_pad,
                    pool_ceil,
                    {"count_include_pad", Kind::flag, "true", "padding counts as zeros"}},
                   [](OpCall& c) {
                     return average_pool(c.value("x"), window_of(c),
                                         c.set.flag("count_include_pad"));
                   }});
  table.push_back({"global_average_pool", "The mean of each channel", {x}, {}, [](OpCall& c) {
                     return global_average_pool(c.value("x"));
                   }});
  table.push_back({"bilinear_upsample",
                   "Bilinear resizing to any size, without antialiasing",
                   {x},
                   {size,
                    {"align",
                     Kind::choice,
                     "half-pixel",
                     "where output pixels read",
                     {"half-pixel", "corners", "legacy"}}},
                   [](OpCall& c) {
                     const auto [h, w] = size_of(c);
                     return bilinear_upsample(c.value("x"), h, w,
                                              static_cast<Align>(c.set.choice("align")));
                   }});
  table.push_back(
      {"nearest_upsample", "Nearest-neighbour resizing to any size", {x}, {size}, [](OpCall& c) {
         const auto [h, w] = size_of(c);
         return nearest_upsample(c.value("x"), h, w);
       }});
  table.push_back({"gaussian_blur",
                   "Separable Gaussian blur",
                   {x},
                   {{"kernel", Kind::count, "5", "taps a side, odd"},
                    {"sigma", Kind::number, "1", "pixels"},
                    normalised,
                    border},
                   run_gaussian_blur});
}

std::vector<Operation> make_table() {
  std::vector<Operation> table;
  add_weighted(table);
  add_elementwise(table);
  add_spatial(table);
  add_loss_operations(table);
  add_colour_operations(table);
  return table;
}

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> table = make_table();
  return table;
}

}  // namespace tinct
