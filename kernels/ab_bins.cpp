// Colour as classes: tables, encoding, weights, decoding.
#include "kernels/ab_bins.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/threads.h"

namespace tinct {
namespace {

double squared_distance(const float* p, const float* q) {
  const double a = double{p[0]} - q[0];
  const double b = double{p[1]} - q[1];
  return a * a + b * b;
}

struct Neighbour {
  double distance;  // squared
  std::size_t bin;
};

// The bins' a and b apart, so that a loop over them vectorises.
struct Columns {
  std::vector<float> a, b;

  Columns(std::size_t q, const float* bins) : a(q), b(q) {
    for (std::size_t i = 0; i < q; ++i) {
      a[i] = bins[2 * i];
      b[i] = bins[2 * i + 1];
    }
  }
};

// The nearest.size() nearest bins, nearest first. `about` is scratch, one float a bin.
void find_nearest(const Columns& columns, const float* bins, const float* ab,
                  std::vector<float>& about, std::vector<Neighbour>& nearest) {
  const std::size_t q = about.size();
  for (std::size_t bin = 0; bin < q; ++bin) {
    const float a = columns.a[bin] - ab[0];
    const float b = columns.b[bin] - ab[1];
    about[bin] = a * a + b * b;
  }
  // Floats rule out most bins, doubles decide. Bins come in ascending order, so a strict comparison
  // leaves ties to the lowest index.
  constexpr double kSlack = 1 + 1e-5;
  std::fill(nearest.begin(), nearest.end(), Neighbour{std::numeric_limits<double>::infinity(), 0});
  float limit = std::numeric_limits<float>::infinity();
  for (std::size_t bin = 0; bin < q; ++bin) {
    if (about[bin] > limit) continue;
    const double distance = squared_distance(ab, bins + 2 * bin);
    if (!(distance < nearest.back().distance)) continue;
    std::size_t place = nearest.size() - 1;
    for (; place > 0 && distance < nearest[place - 1].distance; --place) {
      nearest[place] = nearest[place - 1];
    }
    nearest[place] = {distance, bin};
    limit = static_cast<float>(nearest.back().distance * kSlack);
  }
}

}  // namespace

std::vector<float> zhang_bins() {
  struct Column {
    int a, first_b, last_b;
  };
  constexpr std::array<Column, 20> kColumns = {{
      {-90, 50, 90},   {-80, 20, 90},   {-70, 0, 90},    {-60, -20, 90},  {-50, -30, 100},
      {-40, -40, 100}, {-30, -50, 100}, {-20, -50, 100}, {-10, -60, 100}, {0, -70, 100},
      {10, -80, 90},   {20, -80, 90},   {30, -90, 90},   {40, -100, 90},  {50, -100, 80},
      {60, -110, 80},  {70, -110, 80},  {80, -110, 70},  {90, -110, 70},  {100, -90, 0},
  }};
  std::vector<float> bins;
  for (const Column& column : kColumns) {
    for (int b = column.first_b; b <= column.last_b; b += 10) {
      bins.push_back(static_cast<float>(column.a));
      bins.push_back(static_cast<float>(b));
    }
  }
  return bins;
}

std::vector<float> full_grid_bins() {
  std::vector<float> bins;
  for (int a = -110; a <= 110; a += 10) {
    for (int b = -110; b <= 110; b += 10) {
      bins.push_back(static_cast<float>(a));
      bins.push_back(static_cast<float>(b));
    }
  }
  return bins;
}

std::size_t full_grid_bin(double a, double b) {
  const auto step = [](double v) {
    return static_cast<std::size_t>(std::clamp(std::lround(v / 10) + 11, 0L, 22L));
  };
  return step(a) * 23 + step(b);
}

void soft_encode(std::size_t q, const float* bins, std::size_t pixels, const float* ab,
                 std::size_t k, double sigma, float* index, float* weight) {
  const Columns columns(q, bins);
  parallel_for(pixels, [&](std::size_t begin, std::size_t end) {
    std::vector<float> about(q);
    std::vector<Neighbour> nearest(k);
    for (std::size_t i = begin; i < end; ++i) {
      find_nearest(columns, bins, ab + 2 * i, about, nearest);
      const auto density = [&](const Neighbour& n) {
        return std::exp((nearest[0].distance - n.distance) / (2 * sigma * sigma));
      };
      double sum = 0;
      for (const Neighbour& n : nearest) sum += density(n);
      for (std::size_t j = 0; j < k; ++j) {
        index[i * k + j] = static_cast<float>(nearest[j].bin);
        weight[i * k + j] = static_cast<float>(density(nearest[j]) / sum);
      }
    }
  });
}

std::vector<double> smooth_prior(std::size_t q, const float* bins, const std::vector<double>& prior,
                                 double sigma) {
  std::vector<double> smooth(q);
  std::vector<double> spread(q);
  for (std::size_t from = 0; from < q; ++from) {
    double sum = 0;
    for (std::size_t to = 0; to < q; ++to) {
      spread[to] =
          std::exp(-squared_distance(bins + 2 * from, bins + 2 * to) / (2 * sigma * sigma));
      sum += spread[to];
    }
    for (std::size_t to = 0; to < q; ++to) smooth[to] += prior[from] * spread[to] / sum;
  }
  return smooth;
}

std::vector<float> rebalancing_weights(const std::vector<double>& prior, double lambda) {
  const double uniform = 1.0 / static_cast<double>(prior.size());
  double expectation = 0;
  for (const double p : prior) expectation += p / ((1 - lambda) * p + lambda * uniform);
  std::vector<float> weights;
  for (const double p : prior) {
    weights.push_back(static_cast<float>(1 / ((1 - lambda) * p + lambda * uniform) / expectation));
  }
  return weights;
}

void annealed_mean(std::size_t q, const float* bins, std::size_t pixels, const float* logits,
                   float temperature, float* ab) {
  parallel_for(pixels, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const float* x = logits + i * q;
      const float largest = *std::max_element(x, x + q);
      double sum = 0;
      double a = 0;
      double b = 0;
      for (std::size_t bin = 0; bin < q; ++bin) {
        const double e = std::exp((x[bin] - largest) / temperature);
        sum += e;
        a += e * bins[2 * bin];
        b += e * bins[2 * bin + 1];
      }
      ab[2 * i] = static_cast<float>(a / sum);
      ab[2 * i + 1] = static_cast<float>(b / sum);
    }
  });
}

}  // namespace tinct
