// unet-small's loss and every gradient against PyTorch: tests/golden/make_unet.py made the numbers.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "layers/loss.h"
#include "models/model.h"

using namespace tinct;

namespace {

struct Errors {
  double worst_norm = 0;
  double worst_element = 0;  // relative to the gradient's root mean square
  std::size_t compared = 0;
};

Errors compare(const Model& model, const SafetensorsFile& golden) {
  Errors e;
  for (const Parameter& p : model.parameters) {
    if (p.buffer) continue;
    const Tensor& g = p.value.grad();
    const double norm = golden.load("norm." + p.name).f32()[0];
    double sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += double{g.f32()[i]} * g.f32()[i];
    e.worst_norm = std::fmax(e.worst_norm, std::abs(std::sqrt(sum) - norm) / norm);
    const Tensor samples = golden.load("grad." + p.name);
    const double rms = norm / std::sqrt(static_cast<double>(g.size()));
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const double place = samples.size() == 1
                               ? 0
                               : static_cast<double>(g.size() - 1) * static_cast<double>(k) /
                                     static_cast<double>(samples.size() - 1);
      const double error =
          std::abs(g.f32()[static_cast<std::size_t>(place)] - double{samples.f32()[k]}) / rms;
      e.worst_element = std::isnan(error) ? INFINITY : std::fmax(e.worst_element, error);
      ++e.compared;
    }
  }
  return e;
}

}  // namespace

TEST_CASE("unet-small's loss and gradients agree with PyTorch in float64 within 1e-3") {
  const Model model = make_model("unet-small", 1);
  if (const char* path = std::getenv("TINCT_WRITE_UNET")) save_model(path, model);
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/unet_small.safetensors");
  const Mode training{.training = true};
  const Value loss =
      l2_loss(model.forward(Value(golden.load("x")), training, nullptr), golden.load("target"));
  CHECK(loss.data().f32()[0] == Approx(golden.load("loss").f32()[0]).epsilon(1e-5));
  loss.backward();
  const Errors e = compare(model, golden);
  CHECK(e.compared > 1000);
  CHECK(e.worst_norm <= 1e-3);
  CHECK(e.worst_element <= 1e-3);

  // The comparison sees one wrong gradient.
  for (const Parameter& p : model.parameters) {
    if (p.name == "decoder2.1.norm.beta") Value(p.value).mutable_grad().f32()[0] *= 1.5f;
  }
  CHECK(compare(model, golden).worst_element > 1e-3);
}
