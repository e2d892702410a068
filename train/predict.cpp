// From lightness to chroma with a network.
#include "train/predict.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/ab_bins.h"
#include "layers/bilinear_upsample.h"
#include "layers/cast.h"
#include "train/chroma.h"
#include "train/uncertainty.h"

namespace tinct {
namespace {

// Repeats the last row and column until both extents are multiples.
Tensor pad_to_multiple(const Tensor& x, std::size_t multiple) {
  const Shape s = x.shape();
  const auto up = [=](std::size_t v) { return (v + multiple - 1) / multiple * multiple; };
  const Shape padded{s.n, up(s.h), up(s.w), s.c};
  if (padded == s) return x;
  Tensor y(padded);
  const float* from = x.f32();
  float* to = y.f32();
  parallel_for(padded.n * padded.h, [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t source = row / padded.h * s.h + std::min(row % padded.h, s.h - 1);
      const float* in = from + source * s.w * s.c;
      float* out = std::copy_n(in, s.w * s.c, to + row * padded.w * s.c);
      for (std::size_t i = s.w; i < padded.w; ++i) {
        out = std::copy_n(in + (s.w - 1) * s.c, s.c, out);
      }
    }
  });
  return y;
}

Tensor crop(const Tensor& x, std::size_t h, std::size_t w) {
  const Shape s = x.shape();
  if (s.h == h && s.w == w) return x;
  Tensor y({s.n, h, w, s.c});
  for (std::size_t row = 0; row < s.n * h; ++row) {
    const std::size_t source = row / h * s.h + row % h;
    std::copy_n(x.f32() + source * s.w * s.c, w * s.c, y.f32() + row * w * s.c);
  }
  return y;
}

Tensor mirrored(const Tensor& x) {
  const Shape s = x.shape();
  Tensor y(s);
  for (std::size_t row = 0; row < s.n * s.h; ++row) {
    for (std::size_t i = 0; i < s.w; ++i) {
      std::copy_n(x.f32() + (row * s.w + i) * s.c, s.c, y.f32() + (row * s.w + s.w - 1 - i) * s.c);
    }
  }
  return y;
}

Tensor enlarge(const Tensor& x, std::size_t h, std::size_t w) {
  if (x.shape().h == h && x.shape().w == w) return x;
  const NoGrad no_grad;
  return bilinear_upsample(Value(x), h, w).data();
}

// The mean entropy of what predicts distributions, at the size of the lightness before it was
// padded to `padded`; undefined without any.
Tensor uncertainty(const std::vector<Tensor>& logits, const Shape& padded, const Shape& s) {
  Tensor mean;
  for (const Tensor& one : logits) {
    Tensor entropy = enlarge(normalised_entropy(one), padded.h, padded.w);
    for (std::size_t i = 0; i < entropy.size(); ++i) {
      entropy.f32()[i] /= static_cast<float>(logits.size());
      if (mean.defined()) entropy.f32()[i] += mean.f32()[i];
    }
    mean = entropy;
  }
  return mean.defined() ? crop(mean, s.h, s.w) : mean;
}

Prediction predict_once(const Model& model, const Tensor& lightness,
                        std::optional<float> temperature) {
  const Shape s = lightness.shape();
  const Tensor padded = pad_to_multiple(lightness, model.info.multiple);
  const Value x(network_input(padded).to(device_of(model)));
  Taps taps;
  const Value output = model.forward(x, Mode{}, model.info.logits.empty() ? nullptr : &taps);
  const auto on_host = [](const Tensor& t) { return cast(t, DType::f32).to(Device::cpu); };
  const Tensor y = on_host(output.data());
  std::vector<Tensor> logits;
  if (model.info.head == Head::binned) logits.push_back(y);
  for (const auto& [name, tap] : taps) {
    const auto& wanted = model.info.logits;
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) {
      logits.push_back(on_host(tap));
    }
  }
  Prediction result;
  result.ab = crop(decode_head(model, y, padded, temperature), s.h, s.w);
  result.uncertainty = uncertainty(logits, padded.shape(), s);
  return result;
}

// The mean of x and of what was seen in the mirror.
void average(Tensor& x, const Tensor& in_mirror) {
  const Tensor other = mirrored(in_mirror);
  for (std::size_t i = 0; i < x.size(); ++i) x.f32()[i] = 0.5f * (x.f32()[i] + other.f32()[i]);
}

}  // namespace

Tensor network_input(const Tensor& lightness) {
  Tensor x(lightness.shape());
  const float* l = lightness.f32();
  float* p = x.f32();
  for (std::size_t i = 0; i < x.size(); ++i) p[i] = l[i] * 0.02f - 1.0f;
  return x;
}

Tensor decode_head(const Model& model, const Tensor& output, const Tensor& lightness,
                   std::optional<float> temperature) {
  const Shape s = output.shape();
  Tensor ab;
  if (model.info.head == Head::regression) {
    ab = chroma_to_ab(model.info, lightness, output);
  } else {
    ab = Tensor({s.n, s.h, s.w, 2});
    annealed_mean(s.c, model.info.bins.f32(), s.pixels(), output.f32(),
                  temperature.value_or(model.info.temperature), ab.f32());
  }
  for (std::size_t i = 0; i < ab.size(); ++i) ab.f32()[i] *= model.info.chroma_gain;
  return enlarge(ab, lightness.shape().h, lightness.shape().w);
}

Prediction predict(const Model& model, const Tensor& lightness, const PredictOptions& options) {
  if (lightness.shape().c != 1) {
    throw std::invalid_argument("predict: lightness of shape " + to_string(lightness.shape()) +
                                " has not one channel");
  }
  const NoGrad no_grad;
  Prediction result = predict_once(model, lightness, options.temperature);
  if (options.flip) {
    const Prediction other = predict_once(model, mirrored(lightness), options.temperature);
    average(result.ab, other.ab);
    if (result.uncertainty.defined()) average(result.uncertainty, other.uncertainty);
  }
  if (model.info.chroma_lift > 0) result.ab = lifted(result.ab, model.info.chroma_lift);
  if (options.fade && result.uncertainty.defined()) {
    result.ab = faded(result.ab, result.uncertainty);
  }
  for (std::size_t i = 0; i < result.ab.size(); ++i) {
    if (!std::isfinite(result.ab.f32()[i])) {
      throw NumericError("the network " + model.info.preset +
                         " predicts colour that is not finite: its weights are damaged");
    }
  }
  return result;
}

Tensor predict_ab(const Model& model, const Tensor& lightness, const PredictOptions& options) {
  return predict(model, lightness, options).ab;
}

}  // namespace tinct
