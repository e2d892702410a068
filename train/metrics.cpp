// The measures of colour.
#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/ab_bins.h"
#include "kernels/colour.h"
#include "train/ciede2000.h"
#include "train/ssim.h"

namespace tinct {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::vector<double>& v) {
  Moments m;
  for (const double x : v) m.mean += x;
  m.mean /= static_cast<double>(v.size());
  for (const double x : v) m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= static_cast<double>(v.size());
  return m;
}

double saturation(const std::uint8_t* rgb) {
  const auto [low, high] = std::minmax({rgb[0], rgb[1], rgb[2]});
  return high == 0 ? 0.0 : static_cast<double>(high - low) / high;
}

// One of 50 equal bins over -100..100.
int fifty(double v) {
  return std::clamp(static_cast<int>(std::floor((v + 100) / 4)), 0, 49);
}

double peak_ratio_db(double mse, double peak) {
  return mse > 0 ? 10 * std::log10(peak * peak / mse) : std::numeric_limits<double>::infinity();
}

}  // namespace

double colourfulness(std::size_t n, const std::uint8_t* rgb, bool absolute) {
  std::vector<double> rg(n);
  std::vector<double> yb(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double r = rgb[3 * i];
    const double g = rgb[3 * i + 1];
    const double b = rgb[3 * i + 2];
    rg[i] = absolute ? std::abs(r - g) : r - g;
    yb[i] = absolute ? std::abs(0.5 * (r + g) - b) : 0.5 * (r + g) - b;
  }
  const Moments a = moments(rg);
  const Moments b = moments(yb);
  return std::sqrt(a.variance + b.variance) + 0.3 * std::hypot(a.mean, b.mean);
}

PictureScore score_picture(const Tensor& rgb, const Tensor& ab, const MetricContext& context) {
  const Shape s = rgb.shape();
  if (s.n != 1 || s.c != 3 || ab.shape() != Shape{1, s.h, s.w, 2}) {
    throw std::invalid_argument("score_picture: picture " + to_string(s) + ", ab " +
                                to_string(ab.shape()));
  }
  const std::size_t n = s.pixels();
  std::vector<float> lab(3 * n);
  cpu::srgb_to_lab(n, rgb.u8(), lab.data());
  std::vector<float> predicted(3 * n);
  for (std::size_t i = 0; i < n; ++i) {
    predicted[3 * i] = lab[3 * i];
    predicted[3 * i + 1] = ab.f32()[2 * i];
    predicted[3 * i + 2] = ab.f32()[2 * i + 1];
  }
  std::vector<float> predicted_srgb(3 * n);
  cpu::lab_to_srgb(n, predicted.data(), predicted_srgb.data());
  std::vector<std::uint8_t> predicted_rgb(3 * n);
  cpu::quantise(3 * n, predicted_srgb.data(), predicted_rgb.data());

  PictureScore out;
  out.pixels = n;
  double within[151] = {};
  double weighted_within[151] = {};
  double weight_sum = 0;
  double saturation_true = 0;
  double saturation_predicted = 0;
  double squared_rgb = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double truth[3] = {lab[3 * i], lab[3 * i + 1], lab[3 * i + 2]};
    const double guess[3] = {truth[0], predicted[3 * i + 1], predicted[3 * i + 2]};
    const double da = guess[1] - truth[1];
    const double db = guess[2] - truth[2];
    const double square = da * da + db * db;
    out.l_reg += square;
    out.mse_ab_grey += (truth[1] * truth[1] + truth[2] * truth[2]) / 2;
    out.mse_ab_mean +=
        (std::pow(truth[1] - context.mean_a, 2) + std::pow(truth[2] - context.mean_b, 2)) / 2;
    out.acc_a += fifty(guess[1]) == fifty(truth[1]);
    out.acc_b += fifty(guess[2]) == fifty(truth[2]);
    out.acc_eps += std::abs(da) <= 4.4 && std::abs(db) <= 4.4;
    const double distance = std::sqrt(square);
    out.de76 += distance;
    out.de2000 += ciede2000(guess, truth);
    const double prior =
        context.prior.empty() ? 1.0 : context.prior[full_grid_bin(truth[1], truth[2])];
    const double weight = 1.0 / std::max(prior, 1e-6);
    weight_sum += weight;
    const int first = std::min(151, static_cast<int>(std::ceil(distance)));
    if (first < 151) {
      within[first] += 1;
      weighted_within[first] += weight;
    }
    const std::uint8_t* p = predicted_rgb.data() + 3 * i;
    const std::uint8_t* t = rgb.u8() + 3 * i;
    saturation_predicted += saturation(p);
    saturation_true += saturation(t);
    for (int c = 0; c < 3; ++c) {
      const double d = static_cast<double>(p[c]) - t[c];
      out.mae_rgb += std::abs(d) / 255;
      squared_rgb += d * d;
    }
  }
  const double count = static_cast<double>(n);
  double sum = 0;
  double weighted = 0;
  for (int t = 0; t <= 150; ++t) {
    sum += within[t];
    weighted += weighted_within[t];
    out.auc += sum / count / 151;
    out.auc_rebalanced += weighted / weight_sum / 151;
  }
  for (double* v : {&out.l_reg, &out.mse_ab_grey, &out.mse_ab_mean, &out.acc_a, &out.acc_b,
                    &out.acc_eps, &out.de76, &out.de2000}) {
    *v /= count;
  }
  out.mse_ab = out.l_reg / 2;
  out.mae_rgb /= 3 * count;
  out.sat_diff = saturation_true > 0
                     ? std::abs(saturation_predicted - saturation_true) / saturation_true
                     : 0.0;
  out.psnr = peak_ratio_db(squared_rgb / (3 * count), 255);
  out.psnr_ab = peak_ratio_db(out.mse_ab, 220);
  out.ssim = ssim(s.h, s.w, 3, predicted_rgb.data(), rgb.u8());
  out.cf = colourfulness(n, predicted_rgb.data());
  out.cf_true = colourfulness(n, rgb.u8());
  out.cf_abs = colourfulness(n, predicted_rgb.data(), true);
  out.cf_abs_true = colourfulness(n, rgb.u8(), true);
  return out;
}

namespace {

// Every figure of a score with its name, once.
constexpr std::pair<const char*, double PictureScore::*> kFields[] = {
    {"mse_ab", &PictureScore::mse_ab},
    {"mse_ab_grey", &PictureScore::mse_ab_grey},
    {"mse_ab_mean", &PictureScore::mse_ab_mean},
    {"l_reg", &PictureScore::l_reg},
    {"acc_a", &PictureScore::acc_a},
    {"acc_b", &PictureScore::acc_b},
    {"acc_eps", &PictureScore::acc_eps},
    {"sat_diff", &PictureScore::sat_diff},
    {"mae_rgb", &PictureScore::mae_rgb},
    {"psnr", &PictureScore::psnr},
    {"psnr_ab", &PictureScore::psnr_ab},
    {"ssim", &PictureScore::ssim},
    {"auc", &PictureScore::auc},
    {"auc_rebalanced", &PictureScore::auc_rebalanced},
    {"de76", &PictureScore::de76},
    {"de2000", &PictureScore::de2000},
    {"cf", &PictureScore::cf},
    {"cf_true", &PictureScore::cf_true},
    {"cf_abs", &PictureScore::cf_abs},
    {"cf_abs_true", &PictureScore::cf_abs_true},
};

}  // namespace

PictureScore mean_score(const std::vector<PictureScore>& scores) {
  PictureScore mean;
  for (const auto& [name, field] : kFields) {
    double sum = 0;
    std::size_t count = 0;
    for (const PictureScore& s : scores) {
      if (!std::isfinite(s.*field)) continue;
      sum += s.*field;
      ++count;
    }
    mean.*field = count ? sum / static_cast<double>(count) : 0.0;
  }
  for (const PictureScore& s : scores) mean.pixels += s.pixels;
  return mean;
}

std::vector<std::pair<std::string, double>> fields(const PictureScore& score) {
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [name, field] : kFields) out.emplace_back(name, score.*field);
  return out;
}

}  // namespace tinct
