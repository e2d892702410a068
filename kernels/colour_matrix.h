// The numbers behind the conversions: the sRGB matrix divided by its white, and its inverse.
//
// With X' = X / Xn and so on, every row of both matrices sums to one, so a product can be written
// g + m0 (r - g) + m2 (b - g): for r = g = b that is g to the last bit, whatever the rounding.
#pragma once

#include <array>

namespace tinct::colour {

using Matrix = std::array<std::array<double, 3>, 3>;

/// Linear sRGB to XYZ, D65: IEC 61966-2-1 to six digits, as scikit-image and OpenCV have it.
inline constexpr Matrix rgb_to_xyz = {
    {{.412453, .357580, .180423}, {.212671, .715160, .072169}, {.019334, .119193, .950227}}};

constexpr double row_sum(int row) {
  return rgb_to_xyz[row][0] + rgb_to_xyz[row][1] + rgb_to_xyz[row][2];
}
inline constexpr std::array<double, 3> white = {row_sum(0), row_sum(1), row_sum(2)};

constexpr Matrix normalised() {
  Matrix m = rgb_to_xyz;
  for (int row = 0; row < 3; ++row) {
    for (double& value : m[row]) value /= white[row];
  }
  return m;
}

constexpr Matrix inverse(const Matrix& m) {
  const auto minor = [&m](int r, int c) {
    const int r0 = (r + 1) % 3, r1 = (r + 2) % 3, c0 = (c + 1) % 3, c1 = (c + 2) % 3;
    return m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix result{};
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) result[r][c] = minor(c, r) / determinant;
  }
  return result;
}

/// Linear sRGB to (X/Xn, Y/Yn, Z/Zn), and back.
inline constexpr Matrix to_white = normalised();
inline constexpr Matrix from_white = inverse(to_white);

/// Of the white in u' = 4X/D, v' = 9Y/D with D = X + 15Y + 3Z, where Yn = 1.
inline constexpr double white_x = white[0] / white[1];
inline constexpr double white_z = white[2] / white[1];
inline constexpr double white_d = white_x + 15 + 3 * white_z;
inline constexpr double white_u = 4 * white_x / white_d;
inline constexpr double white_v = 9 / white_d;

/// f(t) of CIE 15: a cube root with a straight foot below (6/29)^3.
inline constexpr double foot = 216.0 / 24389;
inline constexpr double foot_root = 6.0 / 29;
inline constexpr double foot_slope = 841.0 / 108;
inline constexpr double foot_offset = 4.0 / 29;

/// Luma weights of BT.601, and the scales of its two colour differences.
inline constexpr double luma_r = .299;
inline constexpr double luma_b = .114;
inline constexpr double yuv_u = .43601035 / (1 - luma_b);
inline constexpr double yuv_v = .61497538 / (1 - luma_r);
inline constexpr double ycbcr_b = .5 / (1 - luma_b);
inline constexpr double ycbcr_r = .5 / (1 - luma_r);
inline constexpr double ycbcr_neutral = 128.0 / 255;

}  // namespace tinct::colour
