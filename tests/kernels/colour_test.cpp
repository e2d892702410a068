// Colour conversions against published values, against their own inverses, and SIMD against double.
#include "kernels/colour.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/threads.h"
#include "kernels/gamut.h"

using namespace tinct;
using ref::Colour;

namespace {

struct Row {
  const char* name;
  int rgb[3];
  Colour lab, luv, yuv, ycbcr;
};

// scikit-image and OpenCV agree on these; their white is off the matrix's by 5e-6, hence .006.
const Row table[] = {
    {"white", {255, 255, 255}, {100, 0, 0}, {100, 0, 0}, {1, 0, 0}, {1, .50196, .50196}},
    {"grey",
     {128, 128, 128},
     {53.58501, 0, 0},
     {53.58501, 0, 0},
     {.50196, 0, 0},
     {.50196, .50196, .50196}},
    {"red",
     {255, 0, 0},
     {53.24059, 80.09231, 67.20275},
     {53.24059, 175.01447, 37.75617},
     {.299, -.14714, .61498},
     {.299, .33322, 1.00196}},
    {"green",
     {0, 255, 0},
     {87.73510, -86.18303, 83.17970},
     {87.73510, -83.07791, 107.39905},
     {.587, -.28887, -.51497},
     {.587, .17070, .08327}},
    {"blue",
     {0, 0, 255},
     {32.29567, 79.18559, -107.85730},
     {32.29567, -9.40492, -130.33705},
     {.114, .43601, -.10001},
     {.114, 1.00196, .42065}},
    {"yellow",
     {255, 255, 0},
     {97.13951, -21.55468, 94.47812},
     {97.13951, 7.70423, 106.78707},
     {.886, -.43601, .10001},
     {.886, .00196, .58327}},
    {"cyan",
     {0, 255, 255},
     {91.11330, -48.09060, -14.12633},
     {91.11330, -70.47840, -15.19566},
     {.701, .14714, -.61498},
     {.701, .67070, .00196}},
    {"magenta",
     {255, 0, 255},
     {60.32351, 98.23305, -60.82102},
     {60.32351, 84.07450, -108.67702},
     {.413, .28887, .51497},
     {.413, .83322, .92065}},
    {"skin",
     {224, 172, 105},
     {73.78851, 11.27671, 41.53371},
     {73.78851, 39.79012, 49.32901},
     {.70553, -.14456, .15168},
     {.70553, .33618, .62529}},
    {"sky",
     {135, 206, 235},
     {79.20707, -14.84174, -21.27205},
     {79.20707, -33.22049, -31.48170},
     {.73756, .09055, -.18260},
     {.73756, .60580, .35350}},
    {"grass",
     {34, 139, 34},
     {50.59329, -49.58578, 45.01684},
     {50.59329, -43.12420, 55.74921},
     {.37504, -.11895, -.21204},
     {.37504, .36556, .32956}},
};

using RefOp = Colour (*)(const Colour&);
using CpuOp = void (*)(std::size_t, const float*, float*);
struct Space {
  const char* name;
  RefOp ref_to, ref_from;
  CpuOp cpu_to, cpu_from;
  Colour Row::*expected;
  double tolerance;  // of the table, in the space's units
  double parity;     // of f32 against double, in the space's units
};

const Space spaces[] = {
    {"lab", ref::srgb_to_lab, ref::lab_to_srgb, cpu::srgb_to_lab, cpu::lab_to_srgb, &Row::lab, .006,
     4e-4},
    {"luv", ref::srgb_to_luv, ref::luv_to_srgb, cpu::srgb_to_luv, cpu::luv_to_srgb, &Row::luv, .012,
     4e-4},
    {"yuv", ref::srgb_to_yuv, ref::yuv_to_srgb, cpu::srgb_to_yuv, cpu::yuv_to_srgb, &Row::yuv, 1e-5,
     1e-6},
    {"ycbcr", ref::srgb_to_ycbcr, ref::ycbcr_to_srgb, cpu::srgb_to_ycbcr, cpu::ycbcr_to_srgb,
     &Row::ycbcr, 1e-5, 1e-6},
};

Colour scaled(const int rgb[3]) {
  return {rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0};
}

double distance(const Colour& a, const Colour& b) {
  double most = 0;
  for (int c = 0; c < 3; ++c) {
    if (std::isnan(a[c]) || std::isnan(b[c])) return INFINITY;
    most = std::max(most, std::abs(a[c] - b[c]));
  }
  return most;
}

/// n pixels of encoded sRGB, the first few of them corners of the cube.
std::vector<float> random_pixels(std::size_t n) {
  const Random random(7, Purpose::test);
  std::vector<float> rgb(3 * n);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    rgb[i] = i / 3 < 8 ? static_cast<float>((i / 3 >> i % 3) & 1) : random.uniform(i);
  }
  return rgb;
}

Colour pixel(const std::vector<float>& values, std::size_t i) {
  return {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
}

}  // namespace

TEST_CASE("colour: published values") {
  for (const Space& space : spaces) {
    for (const Row& row : table) {
      INFO(space.name << " of " << row.name);
      const Colour rgb = scaled(row.rgb);
      const Colour expected = row.*space.expected;
      CHECK(distance(space.ref_to(rgb), expected) <= space.tolerance);
      const float in[3] = {float(rgb[0]), float(rgb[1]), float(rgb[2])};
      float out[3];
      space.cpu_to(1, in, out);
      CHECK(distance({out[0], out[1], out[2]}, expected) <= space.tolerance + space.parity);
    }
  }
}

TEST_CASE("colour: lightness of grey levels") {
  const std::pair<int, double> levels[] = {{1, .274173},     {10, 2.741735},   {32, 12.250030},
                                           {64, 27.093414},  {118, 49.637014}, {119, 50.034439},
                                           {128, 53.585013}, {192, 77.704364}, {254, 99.654922}};
  for (const auto& [level, expected] : levels) {
    INFO("level " << level);
    CHECK(ref::srgb_to_lab({level / 255.0, level / 255.0, level / 255.0})[0] ==
          Approx(expected).margin(2e-6));
    const auto byte = static_cast<std::uint8_t>(level);
    float l = 0;
    cpu::lightness(1, 1, &byte, &l);
    CHECK(l == Approx(expected).margin(3e-5));
    // Not the level in percent, which other programs take for it.
    CHECK(std::abs(l - level * 100 / 255.0) > .02);
  }
}

TEST_CASE("colour: grey is exactly neutral and survives, at 8 and at 16 bits") {
  const auto check = [](auto most) {
    using Level = decltype(most);
    std::vector<Level> rgb, back(3 * (std::size_t{most} + 1));
    for (unsigned level = 0; level <= most; ++level) rgb.insert(rgb.end(), 3, Level(level));
    const std::size_t n = rgb.size() / 3;
    std::vector<float> lab(rgb.size()), l1(n), l3(n);
    cpu::srgb_to_lab(n, rgb.data(), lab.data());
    std::size_t tinted = 0, differing = 0;
    for (std::size_t i = 0; i < n; ++i) tinted += lab[3 * i + 1] != 0 || lab[3 * i + 2] != 0;
    CHECK(tinted == 0);
    cpu::lightness(n, 3, rgb.data(), l3.data());
    std::vector<Level> grey(n);
    for (std::size_t i = 0; i < n; ++i) grey[i] = Level(i);
    cpu::lightness(n, 1, grey.data(), l1.data());
    for (std::size_t i = 0; i < n; ++i) differing += l1[i] != lab[3 * i] || l3[i] != lab[3 * i];
    CHECK(differing == 0);
    std::vector<float> values(rgb.size());
    cpu::lab_to_srgb(n, lab.data(), values.data());
    cpu::quantise(values.size(), values.data(), back.data());
    CHECK(back == rgb);
  };
  check(std::uint8_t{255});
  check(std::uint16_t{65535});

  std::vector<float> grey;
  for (int level = 0; level < 256; ++level) grey.insert(grey.end(), 3, level / 255.0f);
  for (const Space& space : spaces) {
    INFO(space.name);
    const float neutral = space.expected == &Row::ycbcr ? 128.0f / 255 : 0;
    std::vector<float> out(grey.size()), back(grey.size());
    space.cpu_to(256, grey.data(), out.data());
    for (int i = 0; i < 256; ++i) {
      CHECK(out[3 * i + 1] == neutral);
      CHECK(out[3 * i + 2] == neutral);
    }
    space.cpu_from(256, out.data(), back.data());
    for (int i = 0; i < 256; ++i) {
      CHECK(back[3 * i] == back[3 * i + 1]);
      CHECK(back[3 * i] == back[3 * i + 2]);
      CHECK(ref::quantise(back[3 * i], 255) == i);
    }
  }
}

TEST_CASE("colour: there and back, every 8-bit colour on a grid") {
  std::vector<float> rgb;
  for (int r = 0; r <= 255; r += 15) {
    for (int g = 0; g <= 255; g += 15) {
      for (int b = 0; b <= 255; b += 15) {
        for (const int v : {r, g, b}) rgb.push_back(static_cast<float>(v) / 255);
      }
    }
  }
  const std::size_t n = rgb.size() / 3;
  for (const Space& space : spaces) {
    INFO(space.name);
    std::vector<float> there(rgb.size()), back(rgb.size());
    space.cpu_to(n, rgb.data(), there.data());
    space.cpu_from(n, there.data(), back.data());
    std::size_t wrong = 0;
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) {
      worst = std::max(worst, distance(space.ref_from(space.ref_to(pixel(rgb, i))), pixel(rgb, i)));
      for (int c = 0; c < 3; ++c) {
        wrong += ref::quantise(back[3 * i + c], 255) != ref::quantise(rgb[3 * i + c], 255);
      }
    }
    CHECK(wrong == 0);
    CHECK(worst <= 1e-7);  // the thresholds of the sRGB curve, .04045 and .0031308, are rounded
  }
}

TEST_CASE("colour: ranges over 8-bit sRGB") {
  Colour least[3], most[3];
  for (auto& low : least) low.fill(1e9);
  for (auto& high : most) high.fill(-1e9);
  // The extremes lie on the faces of the cube.
  for (int face = 0; face < 6; ++face) {
    for (int i = 0; i <= 255; i += 3) {
      for (int k = 0; k <= 255; k += 3) {
        int rgb[3];
        rgb[face % 3] = face < 3 ? 0 : 255;
        rgb[(face + 1) % 3] = i;
        rgb[(face + 2) % 3] = k;
        const Colour values[3] = {ref::srgb_to_lab(scaled(rgb)), ref::srgb_to_luv(scaled(rgb)),
                                  ref::srgb_to_yuv(scaled(rgb))};
        for (int s = 0; s < 3; ++s) {
          for (int c = 0; c < 3; ++c) {
            least[s][c] = std::min(least[s][c], values[s][c]);
            most[s][c] = std::max(most[s][c], values[s][c]);
          }
        }
      }
    }
  }
  CHECK(distance(least[0], {0, -86.18, -107.86}) <= .02);
  CHECK(distance(most[0], {100, 98.23, 94.48}) <= .02);
  CHECK(distance(least[1], {0, -83.078, -134.098}) <= .03);
  CHECK(distance(most[1], {100, 175.014, 107.399}) <= .03);
  CHECK(distance(least[2], {0, -.43601, -.61498}) <= 1e-5);
  CHECK(distance(most[2], {1, .43601, .61498}) <= 1e-5);
}

TEST_CASE("colour: SIMD against double") {
  for (const std::size_t n : {1, 2, 7, 31, 32, 33, 127, 2049, 20000}) {
    const std::vector<float> rgb = random_pixels(n);
    for (const Space& space : spaces) {
      INFO(space.name << " of " << n);
      std::vector<float> there(3 * n, NAN), back(3 * n, NAN);
      space.cpu_to(n, rgb.data(), there.data());
      space.cpu_from(n, there.data(), back.data());
      double worst = 0, worst_back = 0;
      for (std::size_t i = 0; i < n; ++i) {
        worst = std::max(worst, distance(pixel(there, i), space.ref_to(pixel(rgb, i))));
        worst_back =
            std::max(worst_back, distance(pixel(back, i), space.ref_from(pixel(there, i))));
      }
      CHECK(worst <= space.parity);
      CHECK(worst_back <= 4e-6);
    }
    std::vector<float> light(3 * n, NAN), encoded(3 * n, NAN);
    cpu::srgb_to_linear(3 * n, rgb.data(), light.data());
    cpu::linear_to_srgb(3 * n, rgb.data(), encoded.data());
    double worst = 0;
    for (std::size_t i = 0; i < 3 * n; ++i) {
      worst = std::max(worst, std::abs(light[i] - ref::srgb_to_linear(rgb[i])));
      worst = std::max(worst, std::abs(encoded[i] - ref::linear_to_srgb(rgb[i])));
    }
    CHECK(worst <= 1e-6);
  }
}

TEST_CASE("colour: the same bits for any number of threads") {
  const std::size_t n = 10007;
  const std::vector<float> rgb = random_pixels(n);
  const int before = threads();
  for (const Space& space : spaces) {
    std::vector<float> one(3 * n), three(3 * n);
    set_threads(1);
    space.cpu_to(n, rgb.data(), one.data());
    set_threads(3);
    space.cpu_to(n, rgb.data(), three.data());
    CHECK(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)) == 0);
  }
  set_threads(before);
}

TEST_CASE("colour: quantising rounds half up, clamps, and makes NaN black") {
  const float values[] = {-1, 0, .4f / 255, .6f / 255, .5f, 254.4f / 255, 1, 7, NAN, INFINITY};
  const std::uint8_t expected[] = {0, 0, 0, 1, 128, 254, 255, 255, 0, 255};
  std::uint8_t levels[10];
  cpu::quantise(10, values, levels);
  for (int i = 0; i < 10; ++i) {
    INFO("value " << values[i]);
    CHECK(levels[i] == expected[i]);
    CHECK(ref::quantise(values[i], 255) == expected[i]);
  }
  std::uint16_t fine[10];
  cpu::quantise(10, values, fine);
  CHECK(fine[4] == 32768);
  CHECK(fine[6] == 65535);
  CHECK(fine[8] == 0);
}

TEST_CASE("gamut: lightness and hue stay, colours inside are untouched") {
  const std::size_t n = 3001;
  const Random random(11, Purpose::test);
  std::vector<float> lab(3 * n);
  for (std::size_t i = 0; i < n; ++i) {
    lab[3 * i] = 100 * random.uniform(3 * i);
    lab[3 * i + 1] = 240 * random.uniform(3 * i + 1) - 120;
    lab[3 * i + 2] = 240 * random.uniform(3 * i + 2) - 120;
  }
  lab[0] = 0, lab[3] = 100;
  std::vector<float> fitted = lab;
  cpu::fit_to_gamut(n, fitted.data());
  std::size_t moved = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Colour before = pixel(lab, i), after = pixel(fitted, i);
    const Colour exact = ref::fit_to_gamut(before);
    REQUIRE(after[0] == before[0]);
    REQUIRE(distance(after, exact) <= 120.0 / 2048);
    for (const double light : ref::lab_to_linear(after)) {
      REQUIRE(light >= -3e-6);
      REQUIRE(light <= 1 + 3e-6);
    }
    // Along the same ray: the cross product vanishes and the sense is kept.
    REQUIRE(std::abs(after[1] * before[2] - after[2] * before[1]) <= 1e-2);
    REQUIRE(after[1] * before[1] + after[2] * before[2] >= 0);
    moved += distance(after, before) > 0;
  }
  // 22 % of the box of Lab values lies inside sRGB; this one is larger.
  CHECK(moved > n / 2);
  CHECK(moved < n);

  const std::vector<float> rgb = random_pixels(n);
  std::vector<float> inside(3 * n);
  cpu::srgb_to_lab(n, rgb.data(), inside.data());
  std::vector<float> same = inside;
  cpu::fit_to_gamut(n, same.data());
  std::size_t changed = 0;
  for (std::size_t i = 8; i < n; ++i) changed += distance(pixel(same, i), pixel(inside, i)) > 0;
  CHECK(changed == 0);
}
