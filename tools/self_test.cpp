// The self-test of `tinct doctor`.
#include "tools/self_test.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/random.h"
#include "kernels/colour.h"
#include "kernels/conv/conv2d.h"

namespace tinct {
namespace {

// Colours as every implementation with D65 gives them: 8-bit sRGB in; CIELAB, CIELUV, BT.601 YUV
// and JPEG YCbCr out. (For the standard white point; tinct's, which makes grey exactly neutral,
// moves a, b, u and v by up to 0.008.)
struct Known {
  std::array<float, 3> rgb, lab, luv, yuv, ycbcr;
};
const Known kTable[] = {
    {{255, 255, 255}, {100, -.002f, .005f}, {100, -.001f, .008f}, {1, 0, 0}, {1, .50196f, .50196f}},
    {{128, 128, 128},
     {53.58501f, -.001f, .003f},
     {53.58501f, 0, .004f},
     {.50196f, 0, 0},
     {.50196f, .50196f, .50196f}},
    {{255, 0, 0},
     {53.24059f, 80.09231f, 67.20275f},
     {53.24059f, 175.01447f, 37.75617f},
     {.299f, -.14714f, .61498f},
     {.299f, .33322f, 1.00196f}},
    {{0, 255, 0},
     {87.73510f, -86.18303f, 83.17970f},
     {87.73510f, -83.07791f, 107.39905f},
     {.587f, -.28887f, -.51497f},
     {.587f, .17070f, .08327f}},
    {{0, 0, 255},
     {32.29567f, 79.18559f, -107.85730f},
     {32.29567f, -9.40492f, -130.33705f},
     {.114f, .43601f, -.10001f},
     {.114f, 1.00196f, .42065f}},
    {{255, 255, 0},
     {97.13951f, -21.55468f, 94.47812f},
     {97.13951f, 7.70423f, 106.78707f},
     {.886f, -.43601f, .10001f},
     {.886f, .00196f, .58327f}},
    {{0, 255, 255},
     {91.11330f, -48.09060f, -14.12633f},
     {91.11330f, -70.47840f, -15.19566f},
     {.701f, .14714f, -.61498f},
     {.701f, .67070f, .00196f}},
    {{255, 0, 255},
     {60.32351f, 98.23305f, -60.82102f},
     {60.32351f, 84.07450f, -108.67702f},
     {.413f, .28887f, .51497f},
     {.413f, .83322f, .92065f}},
    {{224, 172, 105},
     {73.78851f, 11.27671f, 41.53371f},
     {73.78851f, 39.79012f, 49.32901f},
     {.70553f, -.14456f, .15168f},
     {.70553f, .33618f, .62529f}},
    {{135, 206, 235},
     {79.20707f, -14.84174f, -21.27205f},
     {79.20707f, -33.22049f, -31.48170f},
     {.73756f, .09055f, -.18260f},
     {.73756f, .60580f, .35350f}},
    {{34, 139, 34},
     {50.59329f, -49.58578f, 45.01684f},
     {50.59329f, -43.12420f, 55.74921f},
     {.37504f, -.11895f, -.21204f},
     {.37504f, .36556f, .32956f}},
};

// The larger, or NaN if either is.
double worse(double a, double b) {
  return std::isnan(a) || a > b ? a : b;
}

using Conversion = void (*)(std::size_t, const float*, float*);

SelfTest colour(const char* name, Conversion convert, std::array<float, 3> Known::*expected,
                double tolerance) {
  SelfTest test{name, 0, tolerance};
  for (const Known& known : kTable) {
    std::array<float, 3> rgb = known.rgb;
    for (float& c : rgb) c /= 255.0f;
    std::array<float, 3> out{};
    convert(1, rgb.data(), out.data());
    for (std::size_t i = 0; i < 3; ++i) {
      test.error = worse(std::abs(double{out[i]} - (known.*expected)[i]), test.error);
    }
  }
  return test;
}

SelfTest round_trip() {
  SelfTest test{"sRGB to CIELAB and back", 0, 1e-4};
  const Random random(1, Purpose::test);
  std::vector<float> rgb(3 * 4096), lab(rgb.size()), back(rgb.size());
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = random.uniform(i);
  cpu::srgb_to_lab(4096, rgb.data(), lab.data());
  cpu::lab_to_srgb(4096, lab.data(), back.data());
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    test.error = worse(std::abs(double{back[i]} - rgb[i]), test.error);
  }
  return test;
}

// Relative to the largest element of the reference.
double error_of(const std::vector<float>& a, const std::vector<float>& reference) {
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(double{reference[i]}));
    error = worse(std::abs(double{a[i]} - reference[i]), error);
  }
  return error / largest;
}

std::vector<SelfTest> convolution() {
  const Conv2dShape s{2, 13, 11, 19, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const Random random(2, Purpose::test);
  std::vector<float> x(s.x_size()), w(s.w_size()), dy(s.y_size());
  std::uint64_t at = 0;
  for (std::vector<float>* v : {&x, &w, &dy}) {
    for (float& e : *v) e = 2 * random.uniform(at++) - 1;
  }
  const auto compare = [](const char* name, std::size_t size, auto ours, auto reference) {
    std::vector<float> a(size), b(size);
    ours(a.data());
    reference(b.data());
    return SelfTest{name, error_of(a, b), 1e-5};
  };
  return {
      compare(
          "convolution", s.y_size(),
          [&](float* y) { cpu::conv2d(s, x.data(), w.data(), nullptr, Activation::none, y); },
          [&](float* y) { ref::conv2d(s, x.data(), w.data(), nullptr, Activation::none, y); }),
      compare(
          "convolution, data gradient", s.x_size(),
          [&](float* dx) { cpu::conv2d_backward_data(s, dy.data(), w.data(), dx); },
          [&](float* dx) { ref::conv2d_backward_data(s, dy.data(), w.data(), dx); }),
      compare(
          "convolution, weight gradient", s.w_size(),
          [&](float* dw) { cpu::conv2d_backward_weights(s, x.data(), dy.data(), dw, nullptr); },
          [&](float* dw) { ref::conv2d_backward_weights(s, x.data(), dy.data(), dw, nullptr); }),
  };
}

}  // namespace

std::vector<SelfTest> run_self_tests() {
  std::vector<SelfTest> tests = {
      colour("sRGB to CIELAB", cpu::srgb_to_lab, &Known::lab, 0.009),
      colour("sRGB to CIELUV", cpu::srgb_to_luv, &Known::luv, 0.012),
      colour("sRGB to BT.601 YUV", cpu::srgb_to_yuv, &Known::yuv, 2e-5),
      colour("sRGB to JPEG YCbCr", cpu::srgb_to_ycbcr, &Known::ycbcr, 2e-5),
      round_trip(),
  };
  for (SelfTest& test : convolution()) tests.push_back(std::move(test));
  return tests;
}

}  // namespace tinct
