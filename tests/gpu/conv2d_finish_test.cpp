// What is left to do around a library's convolution: bias and activation.
#include <catch2/catch.hpp>

#include "kernels/activation.h"
#include "kernels/conv/finish.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

using test::OnDevice;
using test::OnDeviceAs;
using test::random_tensor;

constexpr Activation kKinds[] = {Activation::none, Activation::relu, Activation::leaky_relu,
                                 Activation::sigmoid, Activation::tanh};

template <class T>
void check_bias(std::size_t rows, std::size_t k, bool with_bias, Activation kind) {
  CAPTURE(rows, k, with_bias, static_cast<int>(kind), sizeof(T));
  const Tensor y = test::rounded<T>(random_tensor({1, 1, rows, k}, 1));
  const Tensor bias = random_tensor({1, 1, 1, k}, 2);
  Tensor expected(y.shape());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float v = y.f32()[i] + (with_bias ? bias.f32()[i % k] : 0);
    expected.f32()[i] = static_cast<float>(ref::activate(kind, v));
  }
  OnDeviceAs<T> out(y);
  const OnDevice added(bias);
  gpu::add_bias(y.size(), k, with_bias ? added.data() : nullptr, kind, out.data());
  CHECK(test::relative_error(out.tensor(), expected, test::tolerance<T>(1e-6)) == "");
}

TEST_CASE("bias and activation joined to a result", "[gpu][conv2d]") {
  for (const std::size_t k : {1, 3, 8, 31, 32, 64}) {
    for (const std::size_t rows : {1, 7, 33}) {
      for (const Activation kind : kKinds) {
        check_bias<float>(rows, k, true, kind);
        check_bias<bf16>(rows, k, true, kind);
      }
      check_bias<float>(rows, k, false, Activation::relu);
      check_bias<bf16>(rows, k, false, Activation::relu);
    }
  }
}

}  // namespace
}  // namespace tinct
