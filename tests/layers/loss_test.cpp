// Losses as layers: PyTorch's numbers, gradients, refusals.
#include <catch2/catch.hpp>

#include "core/safetensors.h"
#include "layers/ab_bins.h"
#include "layers/blurred_euclidean.h"
#include "layers/loss.h"
#include "tests/check.h"

namespace tinct {
namespace {

using test::random_tensor;

struct Golden {
  SafetensorsFile file{TINCT_SOURCE_DIR "/tests/golden/loss.safetensors"};
  Tensor operator()(const std::string& name) const { return file.load(name); }

  // Compares the loss of `input` and its gradient with the case of that name.
  void check(const std::string& name, const std::string& input,
             const std::function<Value(const Value&)>& loss) const {
    INFO(name);
    const Value x((*this)(input), true);
    Value value = loss(x);
    CHECK(test::difference(value.data(), (*this)(name + ".value"), 1e-6, 0) == "");
    value.backward();
    CHECK(test::relative_error(x.grad(), (*this)(name + ".gradient"), 1e-6) == "");
  }
};

TEST_CASE("losses agree with PyTorch", "[loss]") {
  const Golden golden;
  const Tensor t = golden("target");
  const Tensor weight = golden("weight");
  const Tensor probability = golden("probability");
  const auto check = [&](const std::string& name, const std::function<Value(const Value&)>& loss) {
    golden.check(name, "prediction", loss);
  };
  check("l1", [&](const Value& p) { return l1_loss(p, t); });
  check("l2", [&](const Value& p) { return l2_loss(p, t); });
  check("l2_weighted", [&](const Value& p) { return l2_loss(p, t, weight); });
  check("huber", [&](const Value& p) { return huber_loss(p, t, 0.7f); });
  check("bce", [&](const Value& p) { return bce_with_logits(p, probability); });
  check("blurred", [&](const Value& p) { return blurred_euclidean(p, t); });
}

TEST_CASE("softmax cross-entropy agrees with PyTorch, dense and sparse", "[loss]") {
  const Golden golden;
  const Tensor dense = golden("softmax.target");
  const SparseTarget sparse{golden("softmax.index"), golden("softmax.share")};
  const Tensor v = golden("softmax.class_weight");
  const auto check = [&](const std::string& name, const std::function<Value(const Value&)>& loss) {
    golden.check(name, "softmax.logits", loss);
  };
  constexpr auto kTop = ClassWeighting::top_bin;
  check("softmax", [&](const Value& x) { return softmax_cross_entropy(x, dense); });
  check("softmax", [&](const Value& x) { return softmax_cross_entropy(x, sparse); });
  check("softmax_each_bin", [&](const Value& x) { return softmax_cross_entropy(x, dense, v); });
  check("softmax_each_bin", [&](const Value& x) { return softmax_cross_entropy(x, sparse, v); });
  check("softmax_top_bin",
        [&](const Value& x) { return softmax_cross_entropy(x, dense, v, kTop); });
  check("softmax_top_bin",
        [&](const Value& x) { return softmax_cross_entropy(x, sparse, v, kTop); });
}

TEST_CASE("gradients of the losses", "[loss]") {
  const Shape s{2, 4, 5, 3};
  const Tensor p = random_tensor(s, 1);
  const Tensor t = random_tensor(s, 2);
  const auto check = [&](const std::function<Value(const Value&, const Tensor&)>& loss) {
    return test::check_gradients([&](const auto& in) { return loss(in[0], t); }, {p});
  };
  CHECK(check([](const Value& x, const Tensor& y) { return l2_loss(x, y); }) == "");
  CHECK(check([](const Value& x, const Tensor& y) { return huber_loss(x, y, 5); }) == "");
  CHECK(check([](const Value& x, const Tensor& y) { return bce_with_logits(x, y); }) == "");
  CHECK(check([](const Value& x, const Tensor& y) { return blurred_euclidean(x, y); }) == "");
  CHECK(check([](const Value& x, const Tensor& y) { return softmax_cross_entropy(x, y); }) == "");
  // The checker itself: a loss whose gradient belongs to another penalty.
  CHECK(check([](const Value& x, const Tensor& y) {
          return needs_grad({&x}) ? l2_loss(x, y) : l1_loss(x, y);
        }) != "");
}

TEST_CASE("a loss scales its gradient, and computes none that nobody wants", "[loss]") {
  const Tensor t = random_tensor({1, 2, 2, 1}, 2);
  const Value x(random_tensor({1, 2, 2, 1}, 1), true);
  l2_loss(x, t).backward(Tensor::full({}, 2));
  const Tensor twice = x.grad();
  const Value y(x.data(), true);
  l2_loss(y, t).backward();
  for (std::size_t i = 0; i < 4; ++i) CHECK(twice.f32()[i] == 2 * y.grad().f32()[i]);
  CHECK_FALSE(l2_loss(Value(x.data()), t).requires_grad());
}

TEST_CASE("losses refuse shapes that do not fit", "[loss]") {
  const Value p(random_tensor({1, 2, 3, 2}, 1));
  const Tensor t = random_tensor({1, 2, 3, 2}, 2);
  const Tensor other = random_tensor({1, 3, 2, 2}, 2);
  CHECK_THROWS_AS(l1_loss(p, other), std::invalid_argument);
  CHECK_THROWS_AS(l2_loss(p, {}), std::invalid_argument);
  CHECK_THROWS_AS(l2_loss(p, t, t), std::invalid_argument);
  CHECK_THROWS_AS(huber_loss(p, t, 0), std::invalid_argument);
  CHECK_THROWS_AS(bce_with_logits(p, other), std::invalid_argument);
  CHECK_THROWS_AS(blurred_euclidean(p, other), std::invalid_argument);
  CHECK_THROWS_AS(blurred_euclidean(p, t, {.sizes = {4}}), std::invalid_argument);
  CHECK_THROWS_AS(softmax_cross_entropy(p, other), std::invalid_argument);
  CHECK_THROWS_AS(softmax_cross_entropy(p, t, Tensor::full({1, 1, 1, 3}, 1)),
                  std::invalid_argument);
  const Tensor share = Tensor::full({1, 2, 3, 1}, 1);
  for (const float index : {-1.0f, 2.0f}) {
    const SparseTarget target{Tensor::full({1, 2, 3, 1}, index), share};
    CHECK_THROWS_AS(softmax_cross_entropy(p, target), std::invalid_argument);
  }
}

TEST_CASE("the sets of bins as tensors", "[ab_bins]") {
  CHECK(zhang_bin_table().shape() == Shape{1, 1, 313, 2});
  CHECK(zhang_bin_table().f32()[1] == 50);
  CHECK(full_grid_bin_table().shape() == Shape{1, 1, 529, 2});
}

}  // namespace
}  // namespace tinct
