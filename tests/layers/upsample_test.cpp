// Up-sampling, dropout and blur as layers: gradients, PyTorch's numbers, refusals.
#include <catch2/catch.hpp>

#include "core/safetensors.h"
#include "layers/bilinear_upsample.h"
#include "layers/dropout.h"
#include "layers/gaussian_blur.h"
#include "layers/nearest_upsample.h"
#include "tests/check.h"

namespace tinct {
namespace {

using test::random_tensor;

Value resize(const std::string& kind, const Value& x, const Shape& out) {
  if (kind == "nearest") return nearest_upsample(x, out.h, out.w);
  return bilinear_upsample(x, out.h, out.w, kind == "corners" ? Align::corners : Align::half_pixel);
}

TEST_CASE("up-sampling agrees with PyTorch, forward and backward", "[upsample]") {
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/upsample.safetensors");
  for (const std::string kind : {"half_pixel", "corners", "nearest"}) {
    for (int i = 0; i < 5; ++i) {
      const auto load = [&](const char* key) {
        return golden.load(kind + "." + std::to_string(i) + "." + key);
      };
      INFO(kind << " " << i);
      const Value x(load("x"), true);
      Value y = resize(kind, x, load("y").shape());
      CHECK(test::difference(y.data(), load("y"), 1e-6, 1e-6) == "");
      y.backward(load("dy"));
      CHECK(test::difference(x.grad(), load("dx"), 1e-6, 3e-6) == "");
    }
  }
}

TEST_CASE("gradients of up-sampling and blur", "[upsample]") {
  const Tensor x = random_tensor({2, 5, 4, 3}, 1);
  for (const Align align : {Align::half_pixel, Align::corners, Align::legacy}) {
    CHECK(test::check_gradients(
              [=](const auto& in) { return bilinear_upsample(in[0], 9, 8, align); }, {x}) == "");
  }
  CHECK(test::check_gradients([](const auto& in) { return nearest_upsample(in[0], 11, 8); }, {x}) ==
        "");
  for (const Border border : {Border::zero, Border::symmetric}) {
    CHECK(test::check_gradients(
              [=](const auto& in) {
                return gaussian_blur(in[0], {.size = 5, .normalised = false, .border = border});
              },
              {x}) == "");
  }
}

TEST_CASE("up-sampling refuses empty sizes", "[upsample]") {
  const Value x(random_tensor({1, 2, 2, 1}, 1));
  CHECK_THROWS_AS(bilinear_upsample(x, 0, 4), std::invalid_argument);
  CHECK_THROWS_AS(nearest_upsample(x, 4, 0), std::invalid_argument);
}

TEST_CASE("dropout: identity outside training, one mask both ways in it", "[dropout]") {
  const Value x(random_tensor({2, 4, 4, 3}, 1), true);
  CHECK(dropout(x, 0.5f, {}, 1).data().f32() == x.data().f32());
  const Mode mode{.training = true, .seed = 3, .step = 4};
  CHECK(dropout(x, 0, mode, 1).data().f32() == x.data().f32());
  CHECK_THROWS_AS(dropout(x, 1, mode, 1), std::invalid_argument);
  CHECK_THROWS_AS(dropout(x, -0.1f, mode, 1), std::invalid_argument);
  CHECK(test::check_gradients([=](const auto& in) { return dropout(in[0], 0.4f, mode, 1); },
                              {x.data()}) == "");
  CHECK(channel_dropout(x, 0.5f, {}, 1).data().f32() == x.data().f32());
  CHECK_THROWS_AS(channel_dropout(x, 1, mode, 1), std::invalid_argument);
  CHECK(test::check_gradients([=](const auto& in) { return channel_dropout(in[0], 0.4f, mode, 1); },
                              {x.data()}) == "");
}

}  // namespace
}  // namespace tinct
