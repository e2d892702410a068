// oneDNN behind the convolution contract (oneDNN 2.x).
#include "kernels/vendor/onednn.h"

#include <omp.h>

#include <cstring>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "core/threads.h"

namespace tinct::vendor {
namespace {

using dnnl::algorithm;
using dnnl::convolution_backward_data;
using dnnl::convolution_backward_weights;
using dnnl::convolution_forward;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;

memory::dim dim(std::size_t v) {
  return static_cast<memory::dim>(v);
}

memory::desc describe(const memory::dims& dims, Tag tag) {
  return {dims, memory::data_type::f32, tag};
}

// The extents of a convolution as oneDNN wants them: logical order NCHW and OIHW, dilation from 0.
struct Extents {
  explicit Extents(const Conv2dShape& s)
      : x{dim(s.n), dim(s.c), dim(s.h), dim(s.w)},
        w{dim(s.k), dim(s.c), dim(s.kh), dim(s.kw)},
        y{dim(s.n), dim(s.k), dim(s.oh()), dim(s.ow())},
        bias{dim(s.k)},
        strides{dim(s.stride_h), dim(s.stride_w)},
        dilation{dim(s.dilation_h - 1), dim(s.dilation_w - 1)},
        before{dim(s.pad_top), dim(s.pad_left)},
        after{dim(s.pad_bottom), dim(s.pad_right)} {}

  convolution_forward::desc forward(prop_kind kind, bool with_bias) const {
    const auto any = describe(w, Tag::any);
    const auto in = describe(x, Tag::nhwc);
    const auto out = describe(y, Tag::nhwc);
    const auto direct = algorithm::convolution_direct;
    if (with_bias) {
      return {kind, direct, in, any, describe(bias, Tag::a), out, strides, dilation, before, after};
    }
    return {kind, direct, in, any, out, strides, dilation, before, after};
  }

  memory::dims x, w, y, bias, strides, dilation, before, after;
};

}  // namespace

struct OnednnConv2d::Prepared {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory output;
  memory::desc plain;  // of the output, in tinct's layout

  // oneDNN never writes through the arguments that a pass reads.
  memory wrap(const memory::desc& desc, const float* data) {
    return {desc, engine, const_cast<float*>(data)};
  }

  memory reordered_weights(const Extents& e, const memory::desc& desc, const float* w) {
    memory preferred(desc, engine);
    memory from = wrap(describe(e.w, Tag::ohwi), w);
    dnnl::reorder(from, preferred).execute(stream, from, preferred);
    stream.wait();
    return preferred;
  }

  void finish(int output_argument, const memory::desc& desc) {
    output = memory(desc, engine);
    arguments[output_argument] = output;
  }
};

OnednnConv2d::OnednnConv2d(const Conv2dShape& s, ConvPass pass, const float* x, const float* w,
                           const float* dy, const float* bias, Activation activation) try
    : prepared_(std::make_unique<Prepared>()) {
  s.check();
  omp_set_num_threads(threads());
  Prepared& p = *prepared_;
  const Extents e(s);
  const auto direct = algorithm::convolution_direct;
  const auto any = describe(e.w, Tag::any);
  const auto in = describe(e.x, Tag::nhwc);
  const auto out = describe(e.y, Tag::nhwc);
  const convolution_forward::primitive_desc hint(e.forward(prop_kind::forward_training, false),
                                                 p.engine);
  if (pass == ConvPass::forward) {
    dnnl::primitive_attr attributes;
    dnnl::post_ops after;
    if (activation == Activation::relu) after.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    attributes.set_post_ops(after);
    const convolution_forward::primitive_desc description(
        e.forward(prop_kind::forward_inference, bias != nullptr), attributes, p.engine);
    p.primitive = convolution_forward(description);
    p.arguments[DNNL_ARG_SRC] = p.wrap(in, x);
    p.arguments[DNNL_ARG_WEIGHTS] = p.reordered_weights(e, description.weights_desc(), w);
    if (bias) p.arguments[DNNL_ARG_BIAS] = p.wrap(describe(e.bias, Tag::a), bias);
    p.finish(DNNL_ARG_DST, out);
    p.plain = out;
  } else if (pass == ConvPass::backward_data) {
    const convolution_backward_data::primitive_desc description(
        {direct, in, any, out, e.strides, e.dilation, e.before, e.after}, p.engine, hint);
    p.primitive = convolution_backward_data(description);
    p.arguments[DNNL_ARG_DIFF_DST] = p.wrap(out, dy);
    p.arguments[DNNL_ARG_WEIGHTS] = p.reordered_weights(e, description.weights_desc(), w);
    p.finish(DNNL_ARG_DIFF_SRC, in);
    p.plain = in;
  } else {
    const convolution_backward_weights::primitive_desc description(
        {direct, in, any, out, e.strides, e.dilation, e.before, e.after}, p.engine, hint);
    p.primitive = convolution_backward_weights(description);
    p.arguments[DNNL_ARG_SRC] = p.wrap(in, x);
    p.arguments[DNNL_ARG_DIFF_DST] = p.wrap(out, dy);
    p.finish(DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc());
    p.plain = describe(e.w, Tag::ohwi);
  }
} catch (const dnnl::error& error) {
  throw DeviceError(std::string("oneDNN: ") + error.what());
}

OnednnConv2d::~OnednnConv2d() = default;

void OnednnConv2d::run() {
  prepared_->primitive.execute(prepared_->stream, prepared_->arguments);
  prepared_->stream.wait();
}

void OnednnConv2d::result(float* out) const {
  Prepared& p = *prepared_;
  memory from = p.output;
  memory to(p.plain, p.engine, out);
  dnnl::reorder(from, to).execute(p.stream, from, to);
  p.stream.wait();
}

}  // namespace tinct::vendor
