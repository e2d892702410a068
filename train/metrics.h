// How good colours are: every measure defined once, per picture and over a set.
// The true picture's lightness is kept, so each measure sees chroma errors alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace tinct {

/// Hasler and Suesstrunk's colourfulness (2003) of n 8-bit sRGB pixels; `absolute` takes the
/// absolute values of the opponent channels, as DDColor's code does, which is not the published
/// measure.
double colourfulness(std::size_t n, const std::uint8_t* rgb, bool absolute = false);

/// What is counted of one picture. Sums over pixels, so that sets can be pooled exactly.
struct PictureScore {
  std::string name;
  std::size_t pixels = 0;
  double mse_ab = 0;       ///< mean of (da^2 + db^2) / 2
  double mse_ab_grey = 0;  ///< of ab = 0
  double mse_ab_mean = 0;  ///< of the training set's mean ab everywhere
  double l_reg = 0;        ///< mean of (da^2 + db^2)
  double acc_a = 0;  ///< share of pixels whose a falls in the true one of 50 bins over -100..100
  double acc_b = 0;
  double sat_diff = 0;  ///< |sum S_p - sum S_t| / sum S_t, S of HSV
  double mae_rgb = 0;   ///< over RGB in 0..1
  double acc_eps = 0;   ///< share of pixels with |da| and |db| <= 4.4 (2 % of 220)
  double psnr = 0;      ///< dB, 8-bit RGB
  double psnr_ab = 0;   ///< dB, peak 220
  double ssim = 0;
  double auc = 0;             ///< share of pixels with ab distance <= t, averaged over t = 0..150
  double auc_rebalanced = 0;  ///< the same with each pixel weighted by 1 / prior of its true bin
  double de76 = 0;
  double de2000 = 0;
  double cf = 0;  ///< colourfulness of the predicted picture
  double cf_true = 0;
  double cf_abs = 0;  ///< the same by absolute values
  double cf_abs_true = 0;
};

/// What the measures need to know of the data they judge against.
struct MetricContext {
  double mean_a = 0;  ///< of the training pictures
  double mean_b = 0;
  std::vector<double> prior;  ///< of the 529 bins of full_grid_bins(), smoothed; empty: uniform
};

/// rgb u8 (1,h,w,3), the true picture; ab (1,h,w,2) in Lab units. Throws std::invalid_argument when
/// shapes differ.
PictureScore score_picture(const Tensor& rgb, const Tensor& ab, const MetricContext& context);

/// Means over pictures (mse_ab and its baselines too), with PSNR averaged in dB.
PictureScore mean_score(const std::vector<PictureScore>& scores);

/// The names and values in a fixed order, for CSV, JSON and tables.
std::vector<std::pair<std::string, double>> fields(const PictureScore& score);

}  // namespace tinct
