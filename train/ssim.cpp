// Structural similarity.
#include "train/ssim.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace tinct {
namespace {

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

}  // namespace

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

}  // namespace tinct
