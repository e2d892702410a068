// Colour conversions between sRGB and the four spaces that networks are trained in: CIELAB, CIELUV,
// BT.601 YUV and JPEG YCbCr.
//
// Pixels are three interleaved numbers. sRGB is gamma-encoded, 0..1 (0..255 in 8 bits, 0..65535 in
// 16). The white point is the row sums of the RGB to XYZ matrix, so that grey is exactly neutral:
// r = g = b gives a = b = u = v = 0 to the last bit, and back.
// Sources: IEC 61966-2-1 (sRGB), CIE 15:2004 (Lab, Luv), ITU-R BT.601-7, ITU-T T.871 (YCbCr).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tinct {

namespace ref {

/// One pixel, in double.
using Colour = std::array<double, 3>;

/// One component. Negative light becomes 0.
double srgb_to_linear(double encoded);
double linear_to_srgb(double light);

/// L 0..100; a -86.2..98.3, b -107.9..94.5 for colours that sRGB has.
Colour srgb_to_lab(const Colour& rgb);
/// Components outside 0..1 mean that sRGB has no such colour; those below 0 become 0.
Colour lab_to_srgb(const Colour& lab);
/// The same before gamma encoding, where negative components stay: for gamut tests.
Colour lab_to_linear(const Colour& lab);
/// L 0..100; u -83.1..175.1, v -134.1..107.4. Black has u = v = 0.
Colour srgb_to_luv(const Colour& rgb);
Colour luv_to_srgb(const Colour& luv);
/// Y 0..1; U -.43601035..+.43601035, V -.61497538..+.61497538.
Colour srgb_to_yuv(const Colour& rgb);
Colour yuv_to_srgb(const Colour& yuv);
/// Full range, as JPEG: each in 0..1, neutral at 128/255 (pure blue and red reach 1.00196).
Colour srgb_to_ycbcr(const Colour& rgb);
Colour ycbcr_to_srgb(const Colour& ycbcr);

/// The nearest level of `most` + 1 (half rounds up); outside 0..1 is clamped, NaN is 0.
std::uint16_t quantise(double value, std::uint16_t most);

}  // namespace ref

namespace cpu {

/// n components.
void srgb_to_linear(std::size_t n, const float* encoded, float* light);
void linear_to_srgb(std::size_t n, const float* light, float* encoded);

/// n pixels each; in and out may be the same array.
void srgb_to_lab(std::size_t n, const float* rgb, float* lab);
void lab_to_srgb(std::size_t n, const float* lab, float* rgb);
void srgb_to_luv(std::size_t n, const float* rgb, float* luv);
void luv_to_srgb(std::size_t n, const float* luv, float* rgb);
void srgb_to_yuv(std::size_t n, const float* rgb, float* yuv);
void yuv_to_srgb(std::size_t n, const float* yuv, float* rgb);
void srgb_to_ycbcr(std::size_t n, const float* rgb, float* ycbcr);
void ycbcr_to_srgb(std::size_t n, const float* ycbcr, float* rgb);

void srgb_to_lab(std::size_t n, const std::uint8_t* rgb, float* lab);
void srgb_to_lab(std::size_t n, const std::uint16_t* rgb, float* lab);

/// The L of Lab and Luv alone: n pixels of `channels` (1: grey, 3: sRGB) to n numbers.
void lightness(std::size_t n, std::size_t channels, const std::uint8_t* pixels, float* l);
void lightness(std::size_t n, std::size_t channels, const std::uint16_t* pixels, float* l);

/// n components to levels 0..255 or 0..65535 as ref::quantise.
void quantise(std::size_t n, const float* values, std::uint8_t* levels);
void quantise(std::size_t n, const float* values, std::uint16_t* levels);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. As cpu::, within 1e-5 of it.
/// n components.
void srgb_to_linear(std::size_t n, const float* encoded, float* light);
void linear_to_srgb(std::size_t n, const float* light, float* encoded);

/// n pixels each; in and out may be the same array.
void srgb_to_lab(std::size_t n, const float* rgb, float* lab);
void lab_to_srgb(std::size_t n, const float* lab, float* rgb);
void srgb_to_luv(std::size_t n, const float* rgb, float* luv);
void luv_to_srgb(std::size_t n, const float* luv, float* rgb);
void srgb_to_yuv(std::size_t n, const float* rgb, float* yuv);
void yuv_to_srgb(std::size_t n, const float* yuv, float* rgb);
void srgb_to_ycbcr(std::size_t n, const float* rgb, float* ycbcr);
void ycbcr_to_srgb(std::size_t n, const float* ycbcr, float* rgb);

void srgb_to_lab(std::size_t n, const std::uint8_t* rgb, float* lab);
void srgb_to_lab(std::size_t n, const std::uint16_t* rgb, float* lab);

/// The L of Lab and Luv alone: n pixels of `channels` (1: grey, 3: sRGB) to n numbers.
void lightness(std::size_t n, std::size_t channels, const std::uint8_t* pixels, float* l);
void lightness(std::size_t n, std::size_t channels, const std::uint16_t* pixels, float* l);

/// n components to levels 0..255 or 0..65535 as ref::quantise.
void quantise(std::size_t n, const float* values, std::uint8_t* levels);
void quantise(std::size_t n, const float* values, std::uint16_t* levels);

}  // namespace gpu
}  // namespace tinct
