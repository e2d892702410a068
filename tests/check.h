// What the tests share: comparing arrays so that NaN never passes, and checking gradients by
// central differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/autograd.h"

namespace tinct::test {

/// Empty when every |a - b| <= absolute + relative * |b|; otherwise the first offender's
/// coordinates and both values. NaN and differing shapes are offences.
std::string difference(const Tensor& a, const Tensor& b, double relative, double absolute);

/// Empty when ||a - b|| / ||b|| <= tolerance (over all elements, in double); otherwise the figure.
std::string relative_error(const Tensor& a, const Tensor& b, double tolerance);

/// Numbers in [-1, 1), a pure function of the seed.
Tensor random_tensor(Shape shape, std::uint64_t seed);

/// Compares the gradients of sum(r * f(inputs)), r random, with central differences at every
/// element (at most `most` of each input, evenly spread). Empty when all agree within `tolerance`
/// of the largest gradient of that input; otherwise names input, element and both values. `f` is
/// called with leaves that require gradients.
std::string check_gradients(const std::function<Value(const std::vector<Value>&)>& f,
                            const std::vector<Tensor>& inputs, double step = 1e-2,
                            double tolerance = 2e-3, std::size_t most = 64);

/// Whether this build has a device on which tests may run tensors: the simulator, where host code
/// that touches them ends the program from then on, or the card that main() has found.
bool has_device();

/// Compares the value of f(inputs) and the gradients of sum(r * f(inputs)), r random, on the
/// device with those on the host. Empty when all agree within `tolerance` of the largest number of
/// each, and in builds without a device. What `f` captures it must bring to the
/// device of its inputs itself.
std::string check_on_device(const std::function<Value(const std::vector<Value>&)>& f,
                            const std::vector<Tensor>& inputs, double tolerance = 1e-5);

}  // namespace tinct::test
