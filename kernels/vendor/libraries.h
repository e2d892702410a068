// The vendor's libraries that this build can open.
#pragma once

#include <string>
#include <utility>
#include <vector>

#ifdef TINCT_WITH_CUBLAS
#include "kernels/vendor/cublas.h"
#endif
#ifdef TINCT_WITH_CUDNN
#include "kernels/vendor/cudnn.h"
#endif

namespace tinct::vendor {

/// Each one's name, and "found" or why not, in a line; none in builds for no card.
inline std::vector<std::pair<std::string, std::string>> libraries() {
  std::vector<std::pair<std::string, std::string>> all;
#ifdef TINCT_WITH_CUBLAS
  all.emplace_back("cuBLAS", cublas_problem().empty() ? "found" : cublas_problem());
#endif
#ifdef TINCT_WITH_CUDNN
  all.emplace_back("cuDNN", cudnn_problem().empty() ? "found" : cudnn_problem());
#endif
  return all;
}

}  // namespace tinct::vendor
