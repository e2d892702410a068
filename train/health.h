// Whether training goes wrong in one of the known ways.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "models/model.h"

namespace tinct {

/// Chroma statistics of ab (n,h,w,2).
struct ChromaStatistics {
  double mean_chroma = 0;  ///< mean of sqrt(a^2 + b^2)
  double spread = 0;       ///< sqrt(var a + var b) over all pixels
};
ChromaStatistics chroma_statistics(const Tensor& ab);

/// Grey collapse: the mean chroma is below a tenth of the true one. One colour for everything: the
/// spread is below a tenth of the true one though the chroma is not. Empty when all is well, or
/// when the truth itself has hardly any chroma (below 2).
std::string check_output(const Tensor& predicted_ab, const Tensor& true_ab);

/// Layers (by tap) more than half of whose channels are zero everywhere, one line each.
std::vector<std::string> check_activations(const Taps& taps);

/// Reports each complaint once, until it has gone away and come back.
class HealthMonitor {
 public:
  std::vector<std::string> news(const std::vector<std::string>& complaints);

 private:
  std::set<std::string> known_;
};

/// Names the place where numbers stop being finite: the first tap of a training-mode forward pass
/// on x, with the parameters that are not finite; else the first parameter whose gradient is not
/// (in the order of the backward pass). Empty when everything is finite.
std::string find_nonfinite(const Model& model, const Value& x, const Mode& mode);

bool all_finite(const Tensor& t);

}  // namespace tinct
