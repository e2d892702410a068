// Bilinear and nearest resizing: hand numbers, the SIMD versions against the plain ones, adjoints.
#include <catch2/catch.hpp>
#include <vector>

#include "kernels/bilinear_upsample.h"
#include "kernels/nearest_upsample.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

// One kind of resizing, both versions.
struct Resize {
  std::string name;
  std::function<void(const Shape&, std::size_t, std::size_t, const float*, float*)> forward,
      backward, ref_forward, ref_backward;
};

Resize bilinear(std::string name, Align align) {
  const auto with = [align](auto f) {
    return [=](const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y) {
      f(s, oh, ow, align, x, y);
    };
  };
  return {std::move(name), with(cpu::bilinear_upsample), with(cpu::bilinear_upsample_backward),
          with(ref::bilinear_upsample), with(ref::bilinear_upsample_backward)};
}

const Resize kResizes[] = {
    bilinear("half_pixel", Align::half_pixel),
    bilinear("corners", Align::corners),
    bilinear("legacy", Align::legacy),
    {"nearest", cpu::nearest_upsample, cpu::nearest_upsample_backward, ref::nearest_upsample,
     ref::nearest_upsample_backward},
};

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a.f32()[i]} * b.f32()[i];
  return sum;
}

std::vector<float> stretched(const std::vector<float>& x, std::size_t width, Align align) {
  std::vector<float> y(width);
  cpu::bilinear_upsample({1, 1, x.size(), 1}, 1, width, align, x.data(), y.data());
  return y;
}

TEST_CASE("bilinear: hand numbers of the three alignments", "[upsample]") {
  CHECK(stretched({0, 4}, 4, Align::half_pixel) == std::vector<float>{0, 1, 3, 4});
  CHECK(stretched({0, 3}, 4, Align::corners) == std::vector<float>{0, 1, 2, 3});
  // TensorFlow 1 reads at 0, 1/2, 1, 3/2 and holds the last pixel.
  CHECK(stretched({0, 4}, 4, Align::legacy) == std::vector<float>{0, 2, 4, 4});
  CHECK(stretched({0, 3, 9}, 6, Align::legacy) == std::vector<float>{0, 1.5f, 3, 6, 9, 9});
  CHECK(stretched({1, 2, 3}, 1, Align::corners) == std::vector<float>{1});
  CHECK(stretched({1, 2, 3, 4}, 2, Align::half_pixel) == std::vector<float>{1.5f, 3.5f});
}

TEST_CASE("nearest: hand numbers", "[upsample]") {
  const std::vector<float> x = {1, 2, 3};
  std::vector<float> y(7);
  cpu::nearest_upsample({1, 1, 3, 1}, 1, 7, x.data(), y.data());
  CHECK(y == std::vector<float>{1, 1, 1, 2, 2, 3, 3});
  std::vector<float> dx(3);
  cpu::nearest_upsample_backward({1, 1, 3, 1}, 1, 7, y.data(), dx.data());
  CHECK(dx == std::vector<float>{3, 4, 6});
}

TEST_CASE("resizing agrees with the plain reference, and backward is the adjoint", "[upsample]") {
  for (const Resize& resize : kResizes) {
    for (const std::size_t size : {1, 2, 7, 31, 32, 33}) {
      for (const std::size_t c : {1, 2, 3, 5, 9, 16, 37}) {
        const Shape s{2, size, size % 8 + 1 + size / 2, c};
        for (const auto& [oh, ow] :
             {std::pair{2 * s.h, 2 * s.w}, {s.h + 3, 3 * s.w + 1}, {s.h / 2 + 1, s.w / 3 + 1}}) {
          INFO(resize.name << " " << to_string(s) << " to " << oh << "x" << ow);
          const Shape out{s.n, oh, ow, c};
          const Tensor x = random_tensor(s, 1);
          const Tensor dy = random_tensor(out, 2);
          Tensor y(out), expected(out), dx(s), expected_dx(s);
          resize.forward(s, oh, ow, x.f32(), y.f32());
          resize.ref_forward(s, oh, ow, x.f32(), expected.f32());
          REQUIRE(test::difference(y, expected, 0, 4e-7) == "");
          resize.backward(s, oh, ow, dy.f32(), dx.f32());
          resize.ref_backward(s, oh, ow, dy.f32(), expected_dx.f32());
          REQUIRE(test::difference(dx, expected_dx, 1e-6, 2e-6) == "");
          const double scale = std::sqrt(dot(y, y) * dot(dy, dy)) + 1e-30;
          REQUIRE(std::abs(dot(y, dy) - dot(x, dx)) / scale < 1e-6);
        }
      }
    }
  }
}

TEST_CASE("a planted fault in a resized map is found", "[upsample]") {
  const Shape s{1, 4, 4, 3};
  const Tensor x = random_tensor(s, 1);
  Tensor y({1, 8, 8, 3}), expected({1, 8, 8, 3});
  ref::bilinear_upsample(s, 8, 8, Align::half_pixel, x.f32(), expected.f32());
  cpu::bilinear_upsample(s, 8, 8, Align::legacy, x.f32(), y.f32());
  CHECK(test::difference(y, expected, 0, 4e-7) != "");
}

TEST_CASE("a constant stays that constant, bit for bit", "[upsample]") {
  for (const Resize& resize : kResizes) {
    const Tensor x = Tensor::full({1, 5, 7, 3}, 0.1f);
    Tensor y({1, 11, 14, 3});
    resize.forward(x.shape(), 11, 14, x.f32(), y.f32());
    CHECK(test::difference(y, Tensor::full(y.shape(), 0.1f), 0, 0) == "");
  }
}

TEST_CASE("resizing gives the same bits for any thread count", "[upsample]") {
  const Shape s{3, 13, 9, 21};
  const Tensor x = random_tensor(s, 1);
  const Tensor dy = random_tensor({3, 26, 18, 21}, 2);
  for (const Resize& resize : kResizes) {
    INFO(resize.name);
    CHECK(test::same_bits_for_any_threads([&] {
            Tensor y(dy.shape());
            resize.forward(s, 26, 18, x.f32(), y.f32());
            return y;
          }) == "");
    CHECK(test::same_bits_for_any_threads([&] {
            Tensor dx(s);
            resize.backward(s, 26, 18, dy.f32(), dx.f32());
            return dx;
          }) == "");
  }
}

}  // namespace
}  // namespace tinct
