// The measures, against published numbers and pictures whose scores a person can work out.
#include "train/metrics.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/colour.h"
#include "tests/check.h"
#include "train/ciede2000.h"
#include "train/ssim.h"

using namespace tinct;

namespace {

Tensor picture(std::size_t h, std::size_t w, const std::vector<std::uint8_t>& repeating) {
  Tensor t({1, h, w, 3}, DType::u8);
  for (std::size_t i = 0; i < t.size(); ++i) t.u8()[i] = repeating[i % repeating.size()];
  return t;
}

Tensor true_ab(const Tensor& rgb) {
  std::vector<float> lab(rgb.size());
  cpu::srgb_to_lab(rgb.shape().pixels(), rgb.u8(), lab.data());
  Tensor ab({1, rgb.shape().h, rgb.shape().w, 2});
  for (std::size_t i = 0; i < rgb.shape().pixels(); ++i) {
    ab.f32()[2 * i] = lab[3 * i + 1];
    ab.f32()[2 * i + 1] = lab[3 * i + 2];
  }
  return ab;
}

}  // namespace

TEST_CASE("CIEDE2000 gives the published pairs, either way round") {
  const struct {
    double a[3], b[3], expected;
  } pairs[] = {
      {{50, 2.6772, -79.7751}, {50, 0, -82.7485}, 2.0425},
      {{50, 2.5, 0}, {73, 25, -18}, 27.1492},
      {{50, 2.5, 0}, {50, 0, -2.5}, 4.3065},
      {{50, -1, 2}, {50, 0, 0}, 2.3669},
      {{60.2574, -34.0099, 36.2677}, {60.4626, -34.1751, 39.4387}, 1.2644},
      {{2.0776, 0.0795, -1.1350}, {0.9033, -0.0636, -0.5514}, 0.9082},
      {{50, 0, 0}, {50, 0, 0}, 0},
  };
  for (const auto& p : pairs) {
    CHECK(ciede2000(p.a, p.b) == Approx(p.expected).margin(5e-5));
    CHECK(ciede2000(p.b, p.a) == Approx(p.expected).margin(5e-5));
  }
}

TEST_CASE("colourfulness of red, green, blue, white, by both definitions") {
  const std::uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
  CHECK(colourfulness(4, rgb) == Approx(238.5307).margin(1e-4));
  CHECK(colourfulness(4, rgb, true) == Approx(210.2486).margin(1e-4));
  const std::uint8_t grey[] = {9, 9, 9, 200, 200, 200};
  CHECK(colourfulness(2, grey) == 0);
}

TEST_CASE("ssim is 1 for equal pictures, and a formula for flat ones") {
  const Tensor a = picture(16, 20, {10, 200, 33, 90, 14, 250, 77});
  CHECK(ssim(16, 20, 3, a.u8(), a.u8()) == Approx(1).epsilon(1e-9));
  const Tensor dark = picture(12, 12, {100});
  const Tensor light = picture(12, 12, {150});
  const double c1 = 2.55 * 2.55;
  CHECK(ssim(12, 12, 3, dark.u8(), light.u8()) ==
        Approx((2 * 100 * 150 + c1) / (100 * 100 + 150 * 150 + c1)).epsilon(1e-6));
  CHECK(std::isnan(ssim(5, 20, 3, a.u8(), a.u8())));
}

TEST_CASE("the true chroma scores perfectly") {
  const Tensor rgb = picture(16, 16, {200, 30, 60, 40, 180, 90, 20, 60, 220, 128, 128, 128});
  const PictureScore s = score_picture(rgb, true_ab(rgb), {});
  CHECK(s.mse_ab == 0);
  CHECK(s.mae_rgb == 0);
  CHECK(s.acc_a == 1);
  CHECK(s.acc_eps == 1);
  CHECK(s.sat_diff == 0);
  CHECK(s.auc == Approx(1));
  CHECK(s.auc_rebalanced == Approx(1));
  CHECK(s.de2000 == Approx(0).margin(1e-6));
  CHECK(std::isinf(s.psnr));
  CHECK(s.cf == s.cf_true);
}

TEST_CASE("a known chroma error gives known scores") {
  const Tensor rgb = picture(12, 12, {128, 128, 128});
  Tensor ab({1, 12, 12, 2});
  for (std::size_t i = 0; i < 144; ++i) {
    ab.f32()[2 * i] = 3;
    ab.f32()[2 * i + 1] = -4;
  }
  MetricContext context;
  context.mean_a = 6;
  context.mean_b = 8;
  const PictureScore s = score_picture(rgb, ab, context);
  CHECK(s.mse_ab == Approx(12.5));
  CHECK(s.l_reg == Approx(25));
  CHECK(s.mse_ab_grey == Approx(0).margin(1e-9));
  CHECK(s.mse_ab_mean == Approx(50));
  CHECK(s.de76 == Approx(5));
  CHECK(s.acc_a == 1);  // 0 and 3 share the bin 0..4
  CHECK(s.acc_b == 0);  // -4 and 0 do not
  CHECK(s.acc_eps == 1);
  CHECK(s.auc == Approx(146.0 / 151));  // within from distance 5 on
  CHECK(s.psnr_ab == Approx(10 * std::log10(220.0 * 220 / 12.5)));
  CHECK(s.cf > 1);
  CHECK(s.cf_true == 0);
}

TEST_CASE("a rare colour weighs more in the rebalanced measure") {
  Tensor rgb = picture(12, 12, {128, 128, 128});
  for (std::size_t i = 0; i < 72; ++i) {
    rgb.u8()[3 * i] = 255, rgb.u8()[3 * i + 1] = 0, rgb.u8()[3 * i + 2] = 0;
  }
  MetricContext context;
  context.prior.assign(529, 1e-3);
  context.prior[11 * 23 + 11] = 0.5;  // grey is common
  const PictureScore s = score_picture(rgb, Tensor::zeros({1, 12, 12, 2}), context);
  CHECK(s.auc_rebalanced < s.auc - 0.2);
}

TEST_CASE("shapes that do not fit are refused") {
  const Tensor rgb = picture(12, 12, {1, 2, 3});
  CHECK_THROWS_AS(score_picture(rgb, Tensor::zeros({1, 12, 11, 2}), {}), std::invalid_argument);
}

TEST_CASE("the mean is over pictures, and leaves out what is not finite") {
  PictureScore a;
  a.mse_ab = 2, a.ssim = NAN, a.pixels = 10;
  PictureScore b;
  b.mse_ab = 4, b.ssim = 0.5, b.pixels = 30;
  const PictureScore m = mean_score({a, b});
  CHECK(m.mse_ab == 3);
  CHECK(m.ssim == 0.5);
  CHECK(m.pixels == 40);
  CHECK(fields(m).front() == std::pair<std::string, double>("mse_ab", 3));
}
