// The measures of colour.
#include "train/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "kernels/ab_bins.h"
#include "kernels/colour.h"

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

constexpr int kWindow = 11;

std::array<double, kWindow> gaussian_window() {
  std::array<double, kWindow> g;
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const int d = i - kWindow / 2;
    sum += g[static_cast<std::size_t>(i)] = std::exp(-d * d / (2 * 1.5 * 1.5));
  }
  for (double& v : g) v /= sum;
  return g;
}

// The window's mean at every position where it fits: (h - 10) x (w - 10).
std::vector<double> window_means(std::size_t h, std::size_t w, const std::vector<double>& v) {
  static const std::array<double, kWindow> g = gaussian_window();
  const std::size_t ow = w - kWindow + 1;
  const std::size_t oh = h - kWindow + 1;
  std::vector<double> rows(h * ow);
  for (std::size_t y = 0; y < h; ++y) {
    for (std::size_t x = 0; x < ow; ++x) {
      double sum = 0;
      for (std::size_t k = 0; k < kWindow; ++k) sum += g[k] * v[y * w + x + k];
      rows[y * ow + x] = sum;
    }
  }
  std::vector<double> out(oh * ow, 0.0);
  for (std::size_t y = 0; y < oh; ++y) {
    for (std::size_t k = 0; k < kWindow; ++k) {
      for (std::size_t x = 0; x < ow; ++x) out[y * ow + x] += g[k] * rows[(y + k) * ow + x];
    }
  }
  return out;
}

double ssim_of_plane(std::size_t h, std::size_t w, const std::vector<double>& a,
                     const std::vector<double>& b) {
  std::vector<double> aa(a.size());
  std::vector<double> bb(a.size());
  std::vector<double> ab(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa[i] = a[i] * a[i];
    bb[i] = b[i] * b[i];
    ab[i] = a[i] * b[i];
  }
  const std::vector<double> ma = window_means(h, w, a);
  const std::vector<double> mb = window_means(h, w, b);
  const std::vector<double> maa = window_means(h, w, aa);
  const std::vector<double> mbb = window_means(h, w, bb);
  const std::vector<double> mab = window_means(h, w, ab);
  constexpr double c1 = (0.01 * 255) * (0.01 * 255);
  constexpr double c2 = (0.03 * 255) * (0.03 * 255);
  double sum = 0;
  for (std::size_t i = 0; i < ma.size(); ++i) {
    const double va = maa[i] - ma[i] * ma[i];
    const double vb = mbb[i] - mb[i] * mb[i];
    const double cov = mab[i] - ma[i] * mb[i];
    sum += (2 * ma[i] * mb[i] + c1) * (2 * cov + c2) /
           ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (va + vb + c2));
  }
  return sum / static_cast<double>(ma.size());
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

double ciede2000(const double lab1[3], const double lab2[3]) {
  constexpr double degrees = 180 / std::numbers::pi;
  constexpr double k25_7 = 6103515625.0;  // 25^7
  const double c1 = std::hypot(lab1[1], lab1[2]);
  const double c2 = std::hypot(lab2[1], lab2[2]);
  const double c7 = std::pow((c1 + c2) / 2, 7);
  const double g = 0.5 * (1 - std::sqrt(c7 / (c7 + k25_7)));
  const double a1 = (1 + g) * lab1[1];
  const double a2 = (1 + g) * lab2[1];
  const double cp1 = std::hypot(a1, lab1[2]);
  const double cp2 = std::hypot(a2, lab2[2]);
  const auto hue = [&](double a, double b) {
    if (a == 0 && b == 0) return 0.0;
    const double h = std::atan2(b, a) * degrees;
    return h < 0 ? h + 360 : h;
  };
  const double h1 = hue(a1, lab1[2]);
  const double h2 = hue(a2, lab2[2]);
  const double dl = lab2[0] - lab1[0];
  const double dc = cp2 - cp1;
  const bool grey = cp1 * cp2 == 0;
  double dh = h2 - h1;
  if (grey) dh = 0;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const double dH = 2 * std::sqrt(cp1 * cp2) * std::sin(dh / 2 / degrees);
  const double l = (lab1[0] + lab2[0]) / 2;
  const double c = (cp1 + cp2) / 2;
  double h = h1 + h2;
  if (!grey) {
    if (std::abs(h1 - h2) <= 180) {
      h /= 2;
    } else {
      h = (h < 360 ? h + 360 : h - 360) / 2;
    }
  }
  const auto cosine = [&](double angle) { return std::cos(angle / degrees); };
  const double t = 1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) -
                   0.20 * cosine(4 * h - 63);
  const double theta = 30 * std::exp(-std::pow((h - 275) / 25, 2));
  const double cc7 = std::pow(c, 7);
  const double rc = 2 * std::sqrt(cc7 / (cc7 + k25_7));
  const double l50 = (l - 50) * (l - 50);
  const double sl = 1 + 0.015 * l50 / std::sqrt(20 + l50);
  const double sc = 1 + 0.045 * c;
  const double sh = 1 + 0.015 * c * t;
  const double rt = -std::sin(2 * theta / degrees) * rc;
  const double x = dl / sl;
  const double y = dc / sc;
  const double z = dH / sh;
  return std::sqrt(std::max(0.0, x * x + y * y + z * z + rt * y * z));
}

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

double ssim(std::size_t h, std::size_t w, std::size_t channels, const std::uint8_t* a,
            const std::uint8_t* b) {
  if (h < kWindow || w < kWindow) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<double> pa(h * w);
    std::vector<double> pb(h * w);
    for (std::size_t i = 0; i < h * w; ++i) {
      pa[i] = a[i * channels + c];
      pb[i] = b[i * channels + c];
    }
    sum += ssim_of_plane(h, w, pa, pb);
  }
  return sum / static_cast<double>(channels);
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
