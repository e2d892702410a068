// Colour for study: conversions, gamut, small matrices over pixels.
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/colour.h"
#include "kernels/gamut.h"
#include "kernels/levels.h"
#include "kernels/neutral_rgb.h"
#include "kernels/pixel_affine.h"
#include "kernels/resample_squares.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

// What each of three components lies between.
using Ranges = std::array<std::array<float, 2>, 3>;
constexpr Ranges kUnit = {{{0, 1}, {0, 1}, {0, 1}}};
constexpr Ranges kLab = {{{5, 95}, {-40, 40}, {-40, 40}}};
constexpr Ranges kYuv = {{{0.1f, 0.9f}, {-0.2f, 0.2f}, {-0.2f, 0.2f}}};
constexpr Ranges kYcbcr = {{{0.1f, 0.9f}, {0.3f, 0.7f}, {0.3f, 0.7f}}};

ArraySpec colours(ArraySpec spec, const Ranges& ranges) {
  spec.draw = [ranges](std::size_t i, float u) {
    const auto [low, high] = ranges[i % 3];
    return low + (high - low) * u;
  };
  return spec;
}

// --- From three numbers to three.

using Map = void (*)(std::size_t, const float*, float*);
struct Conversion {
  const char* name;
  const char* summary;
  Map reference, kernel;
  Ranges ranges;
  double flops;  ///< a pixel
};

const Conversion kConversions[] = {
    {"srgb_to_lab", "sRGB to CIELAB", cpu::srgb_to_lab, srgb_to_lab, kUnit, 60},
    {"lab_to_srgb", "CIELAB to sRGB", cpu::lab_to_srgb, lab_to_srgb, kLab, 60},
    {"srgb_to_luv", "sRGB to CIELUV", cpu::srgb_to_luv, srgb_to_luv, kUnit, 60},
    {"luv_to_srgb", "CIELUV to sRGB", cpu::luv_to_srgb, luv_to_srgb, kLab, 60},
    {"srgb_to_yuv", "sRGB to BT.601 YUV", cpu::srgb_to_yuv, srgb_to_yuv, kUnit, 15},
    {"yuv_to_srgb", "BT.601 YUV to sRGB", cpu::yuv_to_srgb, yuv_to_srgb, kYuv, 15},
    {"srgb_to_ycbcr", "sRGB to JPEG's YCbCr", cpu::srgb_to_ycbcr, srgb_to_ycbcr, kUnit, 15},
    {"ycbcr_to_srgb", "JPEG's YCbCr to sRGB", cpu::ycbcr_to_srgb, ycbcr_to_srgb, kYcbcr, 15},
};

Kernel conversion(const Conversion& c) {
  return {c.name,
          c.summary,
          {{"pixels", 4096}},
          {},
          {only(c.name, "colour.cu", "a thread a pixel, through shared memory")},
          [c](const Problem& p) {
            const std::size_t n = p[0];
            Run run{{colours(in("in", 3 * n), c.ranges), out("out", 3 * n)},
                    c.flops * static_cast<double>(n),
                    1e-4};
            TINCT_STUDY_CALLS(run, float, c.reference, c.kernel, n, AT(0), AT(1));
            return run;
          }};
}

// --- Component by component.

Run decoded(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{in("encoded", n, 0, 1), out("light", n)}, 8.0 * static_cast<double>(n), 1e-4};
  TINCT_STUDY_CALLS(run, float, cpu::srgb_to_linear, srgb_to_linear, n, AT(0), AT(1));
  return run;
}

Run encoded(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{in("light", n, 0, 1), out("encoded", n)}, 8.0 * static_cast<double>(n), 1e-4};
  TINCT_STUDY_CALLS(run, float, cpu::linear_to_srgb, linear_to_srgb, n, AT(0), AT(1));
  return run;
}

Run grey(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{in<std::uint8_t>("pixels", 3 * n, 0, 255), out("l", n)},
          20.0 * static_cast<double>(n),
          1e-4};
  TINCT_STUDY_CALLS(run, float, cpu::lightness, lightness, n, 3, U8(0), AT(1));
  return run;
}

Run levels(const Problem& p) {
  const std::size_t n = p[0];
  // A value halfway between two levels may go to either.
  Run run{{in("values", n, 0, 1), out<std::uint8_t>("levels", n)},
          2.0 * static_cast<double>(n),
          1.0 / 255};
  TINCT_STUDY_CALLS(run, float, cpu::quantise, quantise, n, AT(0), U8(1));
  return run;
}

Run unit_levels(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{in<std::uint8_t>("levels", n, 0, 255), out("values", n)}, 1.0 * static_cast<double>(n)};
  TINCT_STUDY_CALLS(run, float, cpu::from_levels, from_levels, n, U8(0), AT(1));
  return run;
}

// Squares one after another, every second mirrored.
std::vector<Square> squares_of(std::size_t n, std::size_t side, const std::uint8_t* rgb) {
  std::vector<Square> squares;
  for (std::size_t i = 0; i < n; ++i) {
    squares.push_back({rgb + i * side * side * 3, side, i % 2 == 1});
  }
  return squares;
}

Run resampled(const Problem& p) {
  const std::size_t n = p[0], side = p[1], crop = p[2];
  const double ratio = static_cast<double>(side) / static_cast<double>(crop);
  const std::size_t size = n * crop * crop * 3;
  Run run{{in<std::uint8_t>("squares", n * side * side * 3, 0, 255), out<std::uint8_t>("to", size)},
          24 * std::max(1.0, ratio * ratio) * static_cast<double>(size)};
  TINCT_STUDY_CALLS(run, float, cpu::resample_squares, resample_squares, squares_of(n, side, U8(0)),
                    crop, U8(1));
  return run;
}

Run fitted(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{colours(updated("lab", 3 * n), {{{5, 95}, {-110, 110}, {-110, 110}}})},
          400.0 * static_cast<double>(n),
          1e-3};
  TINCT_STUDY_CALLS(run, float, cpu::fit_to_gamut, fit_to_gamut, n, AT(0));
  return run;
}

// --- Pixels of networks.

Run neutral(const Problem& p) {
  const std::size_t n = p[0];
  Run run{{in("x", n), out("rgb", 3 * n)}, 12.0 * static_cast<double>(n)};
  TINCT_STUDY_CALLS(run, float, cpu::neutral_rgb, neutral_rgb, n, AT(0), AT(1));
  return run;
}

Run blocks(const Problem& p) {
  const Shape s{p[0], p[1], p[2], 1};
  const std::size_t side = p.set.count("side");
  if (side == 0 || s.h % side != 0 || s.w % side != 0) {
    throw std::invalid_argument("space_to_depth: side=" + std::to_string(side) +
                                " does not divide the extents of " + to_string(s));
  }
  Run run{{in("x", s.size()), out("y", s.size())}};
  TINCT_STUDY_CALLS(run, float, cpu::space_to_depth, space_to_depth, s, side, AT(0), AT(1));
  return run;
}

PixelAffine affine() {
  PixelAffine map;
  map.factor = {{{0.5f, 0.25f, 0.125f}, {-0.5f, 0.75f, 0.25f}, {0.1f, 0.2f, 0.3f}}};
  map.shift = {0.1f, 0.2f, 0.3f};
  map.clip = true;
  return map;
}

Run mapped(const Problem& p) {
  const std::size_t n = p[0];
  const PixelAffine map = affine();
  Run run{{in("x", 3 * n), in("added", n), out("y", 3 * n)}, 24.0 * static_cast<double>(n)};
  TINCT_STUDY_CALLS(run, float, cpu::pixel_affine, pixel_affine, map, n, AT(0), AT(1), AT(2));
  return run;
}

Run mapped_backward(const Problem& p) {
  const std::size_t n = p[0];
  const PixelAffine map = affine();
  Run run{{in("y", 3 * n, 0, 1), in("dy", 3 * n), out("dx", 3 * n)}, 18.0 * static_cast<double>(n)};
  TINCT_STUDY_CALLS(run, float, cpu::pixel_affine_backward, pixel_affine_backward, map, n, AT(0),
                    AT(1), AT(2));
  return run;
}

Kernel pixelwise(const char* name, const char* summary, const char* file, const char* idea,
                 std::function<Run(const Problem&)> prepare) {
  return {name, summary, {{"pixels", 4096}}, {}, {only(name, file, idea)}, std::move(prepare)};
}

}  // namespace

void add_colour(std::vector<Kernel>& list) {
  for (const Conversion& c : kConversions) list.push_back(conversion(c));
  const char* const each = "a thread an element";
  const char* const through_shared = "a thread a pixel, through shared memory";
  list.push_back(pixelwise("srgb_to_linear", "gamma decoding", "colour.cu", each, decoded));
  list.push_back(pixelwise("linear_to_srgb", "gamma encoding", "colour.cu", each, encoded));
  list.push_back(pixelwise("lightness", "L of Lab from 8-bit pixels", "colour.cu", each, grey));
  list.push_back(pixelwise("quantise", "0..1 to 8-bit levels", "colour.cu", each, levels));
  list.push_back(pixelwise("from_levels", "8-bit levels to 0..1", "levels.cu", each, unit_levels));
  list.push_back({"resample_squares",
                  "8-bit squares brought to one size by a triangle filter",
                  {{"n", 2}, {"side", 64}, {"crop", 32}},
                  {},
                  {only("resample_squares", "resample_squares.cu",
                        "a thread an output, the filter computed where it is used")},
                  resampled});
  list.push_back(pixelwise("fit_to_gamut", "chroma scaled until sRGB can show the colour",
                           "gamut.cu", "a thread a pixel of a tile in shared memory", fitted));
  list.push_back(
      pixelwise("neutral_rgb", "lightness as grey RGB", "neutral_rgb.cu", through_shared, neutral));
  list.push_back({"space_to_depth",
                  "blocks of pixels as channels",
                  {{"n", 1}, {"h", 64}, {"w", 64}},
                  {{"side", SettingKind::count, "2", "of a block"}},
                  {only("space_to_depth", "neutral_rgb.cu", each)},
                  blocks});
  list.push_back(pixelwise("pixel_affine", "a 3 x 3 matrix, a shift and a clip for every pixel",
                           "pixel_affine.cu", through_shared, mapped));
  list.push_back(pixelwise("pixel_affine_backward", "its gradient", "pixel_affine.cu",
                           through_shared, mapped_backward));
}

}  // namespace tinct::gpu
