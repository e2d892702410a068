// The order in which training meets the pictures.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

#include "core/random.h"
#include "train/loader.h"

namespace tinct {
namespace {

// Streams of an epoch's shuffle.
enum Stream : std::uint64_t { stream_line, stream_start, stream_order };

void shuffle(std::vector<std::size_t>& items, const Random& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(i, static_cast<std::uint32_t>(i))]);
  }
}

}  // namespace

std::vector<double> sampling_weights(const Dataset& dataset,
                                     const std::vector<std::size_t>& pictures,
                                     double source_power) {
  if (!std::isfinite(source_power)) {
    throw std::invalid_argument("sampling_weights: source_power is not finite");
  }
  std::map<std::string, double> counts;
  for (const std::size_t i : pictures) counts[dataset.picture(i).source] += 1;
  double total = 0;
  for (const auto& [source, count] : counts) total += std::pow(count, source_power);
  std::vector<double> weights;
  weights.reserve(pictures.size());
  for (const std::size_t i : pictures) {
    const double count = counts[dataset.picture(i).source];
    weights.push_back(std::pow(count, source_power) / count / total);
  }
  return weights;
}

std::vector<std::size_t> epoch_order(const std::vector<double>& weights, std::uint64_t seed,
                                     std::uint64_t epoch) {
  const std::size_t n = weights.size();
  std::vector<std::size_t> line(n);
  std::iota(line.begin(), line.end(), std::size_t{0});
  shuffle(line, Random(seed, Purpose::shuffle, epoch, stream_line));

  // Each picture is a stretch of length n * weight; a mark stands at every integer plus `start`.
  const double start = Random(seed, Purpose::shuffle, epoch, stream_start).uniform(0);
  std::vector<std::size_t> order;
  order.reserve(n);
  double end = 0;
  for (const std::size_t i : line) {
    end += static_cast<double>(n) * weights[i];
    while (order.size() < n && static_cast<double>(order.size()) + start < end) order.push_back(i);
  }
  while (order.size() < n) order.push_back(line.back());  // rounding may lose the last mark
  shuffle(order, Random(seed, Purpose::shuffle, epoch, stream_order));
  return order;
}

}  // namespace tinct
