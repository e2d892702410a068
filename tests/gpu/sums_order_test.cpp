// Sums on the device do not depend on the order in which threads and blocks take their turns.
#include <catch2/catch.hpp>
#include <vector>

#include "kernels/batch_norm.h"
#include "kernels/blurred_euclidean.h"
#include "kernels/pixel_loss.h"
#include "kernels/softmax_cross_entropy.h"
#include "kernels/sum_of_squares.h"
#include "tests/check.h"
#include "tests/gpu/every_order.h"

namespace tinct {
namespace {

using test::check_same_in_every_order;
using test::numbers;
using test::OnDevice;

TEST_CASE("sums are the same bits in every order of threads", "[gpu]") {
  const Shape s{1, 9, 67, 2};
  const std::size_t rows = s.pixels();
  const OnDevice x(test::random_tensor(s, 1)), target(test::random_tensor(s, 2));
  OnDevice gradient(s);
  check_same_in_every_order([&] { return numbers(gpu::sum_of_squares(s.size(), x.data())); });
  check_same_in_every_order([&] {
    const double loss = gpu::pixel_loss({Penalty::huber, rows, 2}, x.data(), target.data(), nullptr,
                                        gradient.data());
    return numbers(loss, gradient);
  });
  check_same_in_every_order([&] {
    const double loss =
        gpu::blurred_euclidean({s, {gaussian_taps(5, kDahlSigma)}, Border::symmetric, true},
                               x.data(), target.data(), gradient.data());
    return numbers(loss, gradient);
  });
  check_same_in_every_order([&] {
    OnDevice mean({1, 1, 1, 2}), variance({1, 1, 1, 2});
    gpu::batch_norm_statistics(rows, 2, x.data(), mean.data(), variance.data());
    return numbers(mean, variance);
  });
  check_same_in_every_order([&] {
    const double loss = gpu::softmax_cross_entropy({s.size() / 67, 67, 0}, x.data(), nullptr,
                                                   target.data(), nullptr, gradient.data());
    return numbers(loss, gradient);
  });
}

}  // namespace
}  // namespace tinct
