// Validation and sample sheets.
#include "train/validate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/colour.h"
#include "train/augment.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/predict.h"
#include "train/resize.h"

namespace tinct {
namespace {

Image to_image(const Tensor& rgb) {
  Image image = make_image(rgb.shape().h, rgb.shape().w, 3);
  std::copy_n(rgb.u8(), rgb.size(), image.pixels.begin());
  return image;
}

Image join_lab(const Tensor& lightness, const Tensor& ab) {
  const Shape s = lightness.shape();
  std::vector<float> pixels(3 * s.pixels());
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    pixels[3 * i] = lightness.f32()[i];
    pixels[3 * i + 1] = ab.f32()[2 * i];
    pixels[3 * i + 2] = ab.f32()[2 * i + 1];
  }
  cpu::lab_to_srgb(s.pixels(), pixels.data(), pixels.data());
  Image image = make_image(s.h, s.w, 3);
  cpu::quantise(pixels.size(), pixels.data(), image.pixels.data());
  return image;
}

double mean_square(const Tensor& ab, double a, double b) {
  double sum = 0;
  for (std::size_t i = 0; i < ab.size(); i += 2) {
    const double da = ab.f32()[i] - a;
    const double db = ab.f32()[i + 1] - b;
    sum += da * da + db * db;
  }
  return sum / static_cast<double>(ab.size());
}

double mean_square(const Tensor& x, const Tensor& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = double{x.f32()[i]} - double{y.f32()[i]};
    sum += d * d;
  }
  return sum / static_cast<double>(x.size());
}

void paste(Image& sheet, const Image& picture, std::size_t top, std::size_t left) {
  for (std::size_t y = 0; y < picture.height; ++y) {
    std::copy_n(
        picture.pixels.begin() + static_cast<std::ptrdiff_t>(y * picture.width * 3),
        picture.width * 3,
        sheet.pixels.begin() + static_cast<std::ptrdiff_t>(((top + y) * sheet.width + left) * 3));
  }
}

}  // namespace

double Validation::ratio() const {
  return mse_ab / std::min(mse_grey, mse_mean);
}

double Validation::colour_ratio() const {
  return colourfulness / colourfulness_true;
}

ValidationSet::ValidationSet(const Dataset& dataset, std::vector<std::size_t> indices,
                             std::size_t size, std::size_t most, bool squares)
    : dataset_(&dataset), indices_(std::move(indices)), side_(size), squares_(squares) {
  const std::size_t all = indices_.size();
  if (most == 0 || most >= all) return;
  for (std::size_t i = 0; i < most; ++i) indices_[i] = indices_[i * all / most];
  indices_.resize(most);
}

Tensor ValidationSet::picture(std::size_t i) const {
  Tensor rgb = dataset_->read(indices_.at(i));
  if (squares_) return augment(rgb, AugmentOptions::none(side_), 0, 0, 0);
  const Shape s = rgb.shape();
  const std::size_t shorter = std::min(s.h, s.w);
  if (shorter <= side_) return rgb;
  const auto scaled = [&](std::size_t extent) { return (extent * side_ + shorter / 2) / shorter; };
  const Image small = resize(to_image(rgb), scaled(s.h), scaled(s.w));
  Tensor out({1, small.height, small.width, 3}, DType::u8);
  std::copy(small.pixels.begin(), small.pixels.end(), out.u8());
  return out;
}

std::pair<double, double> mean_ab(const Dataset& dataset, const std::vector<std::size_t>& indices,
                                  std::size_t most) {
  const std::size_t count = std::min(most, indices.size());
  double a = 0, b = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const Tensor ab = lab_planes(dataset.read(indices[k * indices.size() / count])).ab;
    double pa = 0, pb = 0;
    for (std::size_t i = 0; i < ab.size(); i += 2) {
      pa += ab.f32()[i];
      pb += ab.f32()[i + 1];
    }
    a += pa / static_cast<double>(ab.shape().pixels());
    b += pb / static_cast<double>(ab.shape().pixels());
  }
  const double n = static_cast<double>(std::max<std::size_t>(1, count));
  return {a / n, b / n};
}

Validation validate(const Model& model, const ValidationSet& set, std::pair<double, double> mean) {
  Validation sum;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const Tensor rgb = set.picture(i);
    const LabPlanes lab = lab_planes(rgb);
    const Tensor predicted = predict_ab(model, lab.lightness);
    sum.mse_ab += mean_square(predicted, lab.ab);
    sum.mse_grey += mean_square(lab.ab, 0, 0);
    sum.mse_mean += mean_square(lab.ab, mean.first, mean.second);
    const Image picture = join_lab(lab.lightness, predicted);
    sum.colourfulness += colourfulness(picture.area(), picture.pixels.data());
    sum.colourfulness_true += colourfulness(rgb.shape().pixels(), rgb.u8());
  }
  sum.pictures = set.size();
  const double n = static_cast<double>(set.size());
  for (double* v :
       {&sum.mse_ab, &sum.mse_grey, &sum.mse_mean, &sum.colourfulness, &sum.colourfulness_true}) {
    *v = set.size() == 0 ? std::numeric_limits<double>::quiet_NaN() : *v / n;
  }
  return sum;
}

Image sample_sheet(const Model& model, const ValidationSet& set, std::size_t count) {
  constexpr std::size_t kRow = 192;  // pixels
  constexpr std::size_t kGap = 8;
  std::vector<Image> cells;
  std::size_t width = 0;
  count = std::min(count, set.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor rgb = set.picture(i * set.size() / count);
    const LabPlanes lab = lab_planes(rgb);
    const std::size_t w =
        std::clamp<std::size_t>(rgb.shape().w * kRow / rgb.shape().h, 1, 3 * kRow);
    width = std::max(width, w);
    const Tensor grey = Tensor::zeros(lab.ab.shape());
    const Tensor predicted = predict_ab(model, lab.lightness);
    for (const Image& cell :
         {join_lab(lab.lightness, grey), join_lab(lab.lightness, predicted), to_image(rgb)}) {
      cells.push_back(resize(cell, kRow, w));
    }
  }
  Image sheet = make_image(cells.size() / 3 * (kRow + kGap) + kGap, 3 * (width + kGap) + kGap, 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), std::uint8_t{255});
  for (std::size_t i = 0; i < cells.size(); ++i) {
    paste(sheet, cells[i], kGap + i / 3 * (kRow + kGap), kGap + i % 3 * (width + kGap));
  }
  return sheet;
}

}  // namespace tinct
