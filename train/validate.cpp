// Validation and sample sheets.
#include "train/validate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "train/augment.h"
#include "train/contact_sheet.h"
#include "train/lab_planes.h"
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

double mean_colourfulness(const Dataset& dataset, const std::vector<std::size_t>& indices,
                          std::size_t most) {
  const std::size_t count = std::min(most, indices.size());
  double sum = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const Tensor rgb = dataset.read(indices[k * indices.size() / count]);
    sum += colourfulness(rgb.shape().pixels(), rgb.u8());
  }
  return sum / static_cast<double>(std::max<std::size_t>(1, count));
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
  ContactSheet sheet;
  count = std::min(count, set.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor rgb = set.picture(i * set.size() / count);
    const LabPlanes lab = lab_planes(rgb);
    sheet.add_row(join_lab(lab.lightness, Tensor::zeros(lab.ab.shape())),
                  join_lab(lab.lightness, predict_ab(model, lab.lightness)), to_image(rgb));
  }
  return sheet.draw();
}

}  // namespace tinct
