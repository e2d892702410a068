// Colour conversions as the standards write them, in double.
#include <algorithm>
#include <cmath>

#include "kernels/colour.h"
#include "kernels/colour_matrix.h"

namespace tinct::ref {
namespace {

using namespace colour;

Colour multiply(const Matrix& m, const Colour& v) {
  Colour result;
  for (int row = 0; row < 3; ++row) {
    result[row] = m[row][0] * v[0] + m[row][1] * v[1] + m[row][2] * v[2];
  }
  return result;
}

Colour linear(const Colour& rgb) {
  return {srgb_to_linear(rgb[0]), srgb_to_linear(rgb[1]), srgb_to_linear(rgb[2])};
}

Colour encoded(const Colour& light) {
  return {linear_to_srgb(light[0]), linear_to_srgb(light[1]), linear_to_srgb(light[2])};
}

double root(double t) {
  return t > foot ? std::cbrt(t) : foot_slope * t + foot_offset;
}

double unroot(double f) {
  return f > foot_root ? f * f * f : (f - foot_offset) / foot_slope;
}

double lightness_of(double y) {
  return 116 * root(y) - 16;
}

double light_of(double lightness) {
  return unroot((lightness + 16) / 116);
}

}  // namespace

double srgb_to_linear(double encoded) {
  const double c = std::max(encoded, 0.0);
  return c <= .04045 ? c / 12.92 : std::pow((c + .055) / 1.055, 2.4);
}

double linear_to_srgb(double light) {
  const double c = std::max(light, 0.0);
  return c <= .0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - .055;
}

Colour srgb_to_lab(const Colour& rgb) {
  const Colour xyz = multiply(to_white, linear(rgb));
  const double fx = root(xyz[0]), fy = root(xyz[1]), fz = root(xyz[2]);
  return {116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)};
}

Colour lab_to_linear(const Colour& lab) {
  const double fy = (lab[0] + 16) / 116;
  const double fx = fy + lab[1] / 500;
  const double fz = fy - lab[2] / 200;
  return multiply(from_white, {unroot(fx), unroot(fy), std::max(unroot(fz), 0.0)});
}

Colour lab_to_srgb(const Colour& lab) {
  return encoded(lab_to_linear(lab));
}

Colour srgb_to_luv(const Colour& rgb) {
  const Colour light = multiply(rgb_to_xyz, linear(rgb));
  const double x = light[0] / white[1], y = light[1] / white[1], z = light[2] / white[1];
  const double d = x + 15 * y + 3 * z;
  if (!(d > 0)) return {0, 0, 0};
  const double lightness = lightness_of(y);
  return {lightness, 13 * lightness * (4 * x / d - white_u),
          13 * lightness * (9 * y / d - white_v)};
}

Colour luv_to_srgb(const Colour& luv) {
  if (!(luv[0] > 0)) return {0, 0, 0};
  const double u = luv[1] / (13 * luv[0]) + white_u;
  const double v = std::max(luv[2] / (13 * luv[0]) + white_v, 1e-3);
  const double y = light_of(luv[0]);
  const double x = 9 * y * u / (4 * v);
  const double z = y * (12 - 3 * u - 20 * v) / (4 * v);
  return encoded(multiply(from_white, {x / white_x, y, z / white_z}));
}

Colour srgb_to_yuv(const Colour& rgb) {
  const double y = luma_r * rgb[0] + (1 - luma_r - luma_b) * rgb[1] + luma_b * rgb[2];
  return {y, yuv_u * (rgb[2] - y), yuv_v * (rgb[0] - y)};
}

Colour yuv_to_srgb(const Colour& yuv) {
  const double r = yuv[0] + yuv[2] / yuv_v;
  const double b = yuv[0] + yuv[1] / yuv_u;
  return {r, (yuv[0] - luma_r * r - luma_b * b) / (1 - luma_r - luma_b), b};
}

Colour srgb_to_ycbcr(const Colour& rgb) {
  const double y = luma_r * rgb[0] + (1 - luma_r - luma_b) * rgb[1] + luma_b * rgb[2];
  return {y, ycbcr_neutral + ycbcr_b * (rgb[2] - y), ycbcr_neutral + ycbcr_r * (rgb[0] - y)};
}

Colour ycbcr_to_srgb(const Colour& ycbcr) {
  const double r = ycbcr[0] + (ycbcr[2] - ycbcr_neutral) / ycbcr_r;
  const double b = ycbcr[0] + (ycbcr[1] - ycbcr_neutral) / ycbcr_b;
  return {r, (ycbcr[0] - luma_r * r - luma_b * b) / (1 - luma_r - luma_b), b};
}

std::uint16_t quantise(double value, std::uint16_t most) {
  if (!(value > 0)) return 0;
  return static_cast<std::uint16_t>(std::floor(std::min(value, 1.0) * most + .5));
}

}  // namespace tinct::ref
