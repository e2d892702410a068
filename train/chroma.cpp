// Inputs, targets and answers in the colour space of a network's head.
#include "train/chroma.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <vector>

#include "core/threads.h"
#include "kernels/colour.h"
#include "train/chroma_device.h"
#include "train/predict.h"

namespace tinct {
namespace {

constexpr std::size_t kBlock = 1024;  // pixels that are converted together

// Grey of that lightness, as the three components of sRGB.
void neutral(std::size_t n, const float* lightness, float* rgb) {
  for (std::size_t i = 0; i < n; ++i) {
    rgb[3 * i] = std::clamp(lightness[i], 0.0f, 100.0f);
    rgb[3 * i + 1] = rgb[3 * i + 2] = 0;
  }
  cpu::lab_to_srgb(n, rgb, rgb);
}

Tensor mean_of(const Tensor& rgb) {
  const Shape s = rgb.shape();
  Tensor mean({s.n, s.h, s.w, 1});
  const std::uint8_t* v = rgb.u8();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean.f32()[i] = static_cast<float>(v[3 * i] + v[3 * i + 1] + v[3 * i + 2]) / 765.0f;
  }
  return mean;
}

// Lab of the colours of luma y and chroma (Cb, Cr), clipped to what sRGB has.
void clipped_lab(std::size_t n, const float* y, const float* chroma, float* lab) {
  for (std::size_t i = 0; i < n; ++i) {
    lab[3 * i] = y[i];
    lab[3 * i + 1] = chroma[2 * i];
    lab[3 * i + 2] = chroma[2 * i + 1];
  }
  cpu::ycbcr_to_srgb(n, lab, lab);
  for (std::size_t i = 0; i < 3 * n; ++i) lab[i] = std::clamp(lab[i], 0.0f, 1.0f);
  cpu::srgb_to_lab(n, lab, lab);
}

// Lightness never falls as luma rises: bisection, from where every colour is black to where every
// one is white. 2^-18 of that range is less than a hundredth of a level of eight bits.
void lab_of_lightness(std::size_t n, const float* lightness, const float* chroma, float* lab) {
  std::vector<float> low(n, -1.0f);
  std::vector<float> high(n, 2.0f);
  std::vector<float> y(n);
  for (int round = 0; round < 18; ++round) {
    for (std::size_t i = 0; i < n; ++i) y[i] = 0.5f * (low[i] + high[i]);
    clipped_lab(n, y.data(), chroma, lab);
    for (std::size_t i = 0; i < n; ++i) (lab[3 * i] < lightness[i] ? low : high)[i] = y[i];
  }
}

void lab_of_grey(std::size_t n, const float* lightness, const float* chroma, float* lab) {
  std::vector<float> y(n);
  neutral(n, lightness, lab);
  for (std::size_t i = 0; i < n; ++i) y[i] = lab[3 * i];
  clipped_lab(n, y.data(), chroma, lab);
}

// Calls f(first pixel, pixels) for blocks that cover n pixels.
void for_blocks(std::size_t n, const std::function<void(std::size_t, std::size_t)>& f) {
  parallel_for((n + kBlock - 1) / kBlock, [&](std::size_t begin, std::size_t end) {
    for (std::size_t b = begin; b < end; ++b) f(b * kBlock, std::min(kBlock, n - b * kBlock));
  });
}

}  // namespace

Tensor luma_of(const ModelInfo& info, const Batch& batch) {
  if (batch.lightness.device() != Device::cpu) return on_device::luma_of(info, batch);
  if (info.grey == Grey::rgb_mean) return mean_of(batch.rgb);
  Tensor luma(batch.lightness.shape());
  for_blocks(luma.size(), [&](std::size_t first, std::size_t n) {
    std::vector<float> rgb(3 * n);
    neutral(n, batch.lightness.f32() + first, rgb.data());
    for (std::size_t i = 0; i < n; ++i) luma.f32()[first + i] = rgb[3 * i];
  });
  return luma;
}

Tensor rgb_of(const Batch& batch) {
  if (batch.rgb.device() != Device::cpu) return on_device::rgb_of(batch);
  Tensor rgb(batch.rgb.shape());
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    rgb.f32()[i] = static_cast<float>(batch.rgb.u8()[i]) / 255.0f;
  }
  return rgb;
}

Tensor training_input(const ModelInfo& info, const Batch& batch) {
  if (batch.lightness.device() != Device::cpu) return on_device::training_input(info, batch);
  if (info.grey == Grey::lightness) return network_input(batch.lightness);
  const Tensor grey = mean_of(batch.rgb);
  Tensor lightness(grey.shape());
  for_blocks(grey.size(), [&](std::size_t first, std::size_t n) {
    std::vector<float> rgb(3 * n);
    for (std::size_t i = 0; i < 3 * n; ++i) rgb[i] = grey.f32()[first + i / 3];
    cpu::srgb_to_lab(n, rgb.data(), rgb.data());
    for (std::size_t i = 0; i < n; ++i) lightness.f32()[first + i] = rgb[3 * i];
  });
  return network_input(lightness);
}

Tensor chroma_target(const ModelInfo& info, const Batch& batch) {
  if (batch.ab.device() != Device::cpu) return on_device::chroma_target(info, batch);
  if (info.space == ChromaSpace::lab) {
    Tensor target(batch.ab.shape());
    for (std::size_t i = 0; i < target.size(); ++i) {
      target.f32()[i] = batch.ab.f32()[i] / kChromaScale;
    }
    return target;
  }
  const Tensor rgb = rgb_of(batch);
  const Shape s = rgb.shape();
  Tensor target({s.n, s.h, s.w, 2});
  for_blocks(s.pixels(), [&](std::size_t first, std::size_t n) {
    std::vector<float> ycbcr(3 * n);
    cpu::srgb_to_ycbcr(n, rgb.f32() + 3 * first, ycbcr.data());
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(&ycbcr[3 * i + 1], 2, target.f32() + 2 * (first + i));
    }
  });
  return target;
}

Tensor chroma_to_ab(const ModelInfo& info, const Tensor& lightness, const Tensor& answer) {
  const Shape s = answer.shape();
  Tensor ab(s);
  if (info.space == ChromaSpace::lab) {
    for (std::size_t i = 0; i < ab.size(); ++i) ab.f32()[i] = answer.f32()[i] * kChromaScale;
    return ab;
  }
  if (lightness.shape() != Shape{s.n, s.h, s.w, 1}) {
    throw std::invalid_argument("chroma_to_ab: chroma " + to_string(s) + " for lightness " +
                                to_string(lightness.shape()));
  }
  for_blocks(s.pixels(), [&](std::size_t first, std::size_t n) {
    std::vector<float> lab(3 * n);
    const float* chroma = answer.f32() + 2 * first;
    const auto convert = info.grey == Grey::rgb_mean ? lab_of_grey : lab_of_lightness;
    convert(n, lightness.f32() + first, chroma, lab.data());
    for (std::size_t i = 0; i < n; ++i) std::copy_n(&lab[3 * i + 1], 2, ab.f32() + 2 * (first + i));
  });
  // A colour that is not a number must not pass for one.
  for (std::size_t i = 0; i < ab.size(); ++i) {
    if (!std::isfinite(answer.f32()[i])) ab.f32()[i] = answer.f32()[i];
  }
  return ab;
}

Tensor lifted(const Tensor& ab, float lift) {
  if (!(lift >= 0)) {
    throw std::invalid_argument("lifted: the lift " + std::to_string(lift) + " is below 0");
  }
  constexpr double kKnee = 2;  // ab units: below it a picture is taken for grey
  const Shape s = ab.shape();
  const std::size_t size = s.h * s.w * s.c;
  Tensor out(s);
  for (std::size_t n = 0; n < s.n; ++n) {
    const float* from = ab.f32() + n * size;
    double squares = 0;
    for (std::size_t i = 0; i < size; ++i) squares += double{from[i]} * from[i];
    const double chroma = std::sqrt(squares / static_cast<double>(s.h * s.w));
    const auto factor = static_cast<float>(1 + lift / (chroma + kKnee));
    for (std::size_t i = 0; i < size; ++i) out.f32()[n * size + i] = factor * from[i];
  }
  return out;
}

}  // namespace tinct
