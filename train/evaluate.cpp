// Scoring a model beside the baselines.
#include "train/evaluate.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/ab_bins.h"
#include "train/lab_planes.h"
#include "train/resize.h"

namespace tinct {
namespace {

constexpr std::size_t kBins = 529;  // full_grid_bins()

Tensor constant_ab(const Shape& s, double a, double b) {
  Tensor ab({1, s.h, s.w, 2});
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    ab.f32()[2 * i] = static_cast<float>(a);
    ab.f32()[2 * i + 1] = static_cast<float>(b);
  }
  return ab;
}

// What a picture adds to the prior: its pixels' shares of the bins, and its mean ab.
struct Statistics {
  double a = 0, b = 0;
  std::vector<double> bins = std::vector<double>(kBins, 0.0);
};

Statistics statistics_of(const Tensor& rgb) {
  const LabPlanes lab = lab_planes(rgb);
  Statistics s;
  const std::size_t n = rgb.shape().pixels();
  const double share = 1.0 / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double a = lab.ab.f32()[2 * i];
    const double b = lab.ab.f32()[2 * i + 1];
    s.a += a * share;
    s.b += b * share;
    s.bins[full_grid_bin(a, b)] += share;
  }
  return s;
}

}  // namespace

MetricContext metric_context(const Dataset& dataset) {
  const std::vector<std::size_t>& train = dataset.split(Split::train);
  if (train.empty()) throw DataError(dataset.path() + ": there is no training picture");
  std::vector<Statistics> each(train.size());
  parallel_for(train.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) each[i] = statistics_of(dataset.read(train[i]));
  });
  MetricContext context;
  context.prior.assign(kBins, 0.0);
  const double share = 1.0 / static_cast<double>(train.size());
  for (const Statistics& s : each) {
    context.mean_a += s.a * share;
    context.mean_b += s.b * share;
    for (std::size_t k = 0; k < s.bins.size(); ++k) context.prior[k] += s.bins[k] * share;
  }
  const std::vector<float> bins = full_grid_bins();
  context.prior = smooth_prior(context.prior.size(), bins.data(), context.prior, 5.0);
  return context;
}

Evaluation evaluate(const Dataset& dataset, const std::vector<std::size_t>& indices,
                    const PredictChroma& predict, const ColorizeOptions& options,
                    const MetricContext& context, bool baselines,
                    const std::function<void()>& done) {
  if (indices.empty()) throw DataError(dataset.path() + ": there is no picture to evaluate on");
  const std::size_t count = indices.size();
  Evaluation out;
  out.pictures.resize(count);
  std::vector<PictureScore> grey(count);
  std::vector<PictureScore> mean(count);
  std::vector<PictureScore> original(count);
  const auto score = [&](std::size_t i, const Tensor& rgb, const LabPlanes& lab, const Tensor& ab) {
    out.pictures[i] = score_picture(rgb, ab, context);
    out.pictures[i].name = dataset.picture(indices[i]).name;
    if (baselines) {
      grey[i] = score_picture(rgb, constant_ab(rgb.shape(), 0, 0), context);
      mean[i] =
          score_picture(rgb, constant_ab(rgb.shape(), context.mean_a, context.mean_b), context);
      original[i] = score_picture(rgb, lab.ab, context);
    } else {
      grey[i].mse_ab = out.pictures[i].mse_ab_grey;
      mean[i].mse_ab = out.pictures[i].mse_ab_mean;
    }
  };
  // The network uses all threads for one picture; the scores of a block of pictures are shared out.
  constexpr std::size_t kBlock = 8;
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t size = std::min(kBlock, count - first);
    std::vector<Tensor> rgb(size);
    std::vector<LabPlanes> lab(size);
    std::vector<Tensor> ab(size);
    for (std::size_t k = 0; k < size; ++k) {
      rgb[k] = dataset.read(indices[first + k]);
      lab[k] = lab_planes(rgb[k]);
      const Shape s = rgb[k].shape();
      const Shape work = working_shape(s.h, s.w, options);
      ab[k] = resize(predict(resize(lab[k].lightness, work.h, work.w)), s.h, s.w);
      if (done) done();
    }
    parallel_for(size, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; ++k) score(first + k, rgb[k], lab[k], ab[k]);
    });
  }
  out.model = mean_score(out.pictures);
  out.grey = mean_score(grey);
  out.mean = mean_score(mean);
  out.original = mean_score(original);
  return out;
}

double Evaluation::mse_ratio() const {
  return model.mse_ab / std::min(grey.mse_ab, mean.mse_ab);
}

double Evaluation::colourfulness_ratio() const {
  return model.cf / model.cf_true;
}

}  // namespace tinct
