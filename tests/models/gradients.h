// The gradients of whole models, for tests: against PyTorch's, and all of them in one tensor.
#pragma once

#include <string>

#include "models/model.h"

namespace tinct::test {

/// Checks every gradient of `model` after a backward pass within 1e-3 of the golden file's, which
/// holds the norm and evenly spread samples of each (made by tests/golden/gradients.py): norms
/// relative to themselves, samples to the gradient's root mean square, more than `fewest` samples
/// in all. Then spoils the gradient of the parameter `planted` and checks that this is seen.
/// `prefix` begins the golden file's names.
void check_gradients_against(const SafetensorsFile& golden, const Model& model,
                             const std::string& planted, std::size_t fewest,
                             const std::string& prefix = "");

/// (1, 1, 1, all), in the order of the parameters.
Tensor all_gradients(const Model& model);

}  // namespace tinct::test
