// Up-sampling against the copy bandwidth: bytes are one read of the input and one write of the
// output, in each direction.
#include <string>

#include "bench/harness.h"
#include "core/tensor.h"
#include "kernels/bilinear_upsample.h"
#include "kernels/nearest_upsample.h"

namespace tinct::bench {
namespace {

Tensor random(Shape shape, std::uint64_t seed) {
  return Tensor::from(shape, random_floats(shape.size(), seed));
}

void run_case(Bench& bench, const std::string& name, Shape s, std::size_t oh, std::size_t ow) {
  const Shape large{s.n, oh, ow, s.c};
  if (!bench.wants("upsample", "bilinear forward " + name) &&
      !bench.wants("upsample", "bilinear backward " + name) &&
      !bench.wants("upsample", "nearest forward " + name) &&
      !bench.wants("upsample", "nearest backward " + name)) {
    return;
  }
  const Tensor x = random(s, 1);
  const Tensor dy = random(large, 2);
  Tensor y(large), dx(s), expected_y(large), expected_dx(s);
  const double bytes = 4.0 * static_cast<double>(s.size() + large.size());

  const auto forward = [&](const char* kind, auto ours, auto reference) {
    reference(x.f32(), expected_y.f32());
    bench.run({"upsample",
               std::string(kind) + " forward " + name,
               0,
               bytes,
               {{"tinct", [&] { ours(x.f32(), y.f32()); }}},
               [&] { return compare(y.f32(), expected_y.f32(), y.size(), 1e-6); }});
  };
  const auto backward = [&](const char* kind, auto ours, auto reference) {
    reference(dy.f32(), expected_dx.f32());
    bench.run({"upsample",
               std::string(kind) + " backward " + name,
               0,
               bytes,
               {{"tinct", [&] { ours(dy.f32(), dx.f32()); }}},
               [&] { return compare(dx.f32(), expected_dx.f32(), dx.size(), 1e-6); }});
  };
  const auto bilinear = [=](auto f) {
    return [=](const float* from, float* to) { f(s, oh, ow, Align::half_pixel, from, to); };
  };
  const auto nearest = [=](auto f) {
    return [=](const float* from, float* to) { f(s, oh, ow, from, to); };
  };
  forward("bilinear", bilinear(cpu::bilinear_upsample), bilinear(ref::bilinear_upsample));
  backward("bilinear", bilinear(cpu::bilinear_upsample_backward),
           bilinear(ref::bilinear_upsample_backward));
  forward("nearest", nearest(cpu::nearest_upsample), nearest(ref::nearest_upsample));
  backward("nearest", nearest(cpu::nearest_upsample_backward),
           nearest(ref::nearest_upsample_backward));
}

void run(Bench& bench) {
  run_case(bench, "x2 8x64x64x64", {8, 64, 64, 64}, 128, 128);
  run_case(bench, "x2 8x64x64x128", {8, 64, 64, 128}, 128, 128);
  run_case(bench, "x2 8x16x16x256", {8, 16, 16, 256}, 32, 32);
  run_case(bench, "x2 1x1024x1024x2", {1, 1024, 1024, 2}, 2048, 2048);
  run_case(bench, "x2 4x128x128x37", {4, 128, 128, 37}, 256, 256);
  run_case(bench, "x1.75 4x128x128x64", {4, 128, 128, 64}, 224, 224);
}

const Register upsample{"upsample", run};

}  // namespace
}  // namespace tinct::bench
