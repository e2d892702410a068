// unet-small's loss and every gradient against PyTorch: tests/golden/make_unet.py made the numbers.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "layers/loss.h"
#include "models/model.h"
#include "tests/models/gradients.h"

using namespace tinct;

TEST_CASE("unet-small's loss and gradients agree with PyTorch in float64 within 1e-3") {
  const Model model = make_model("unet-small", 1);
  if (const char* path = std::getenv("TINCT_WRITE_UNET")) save_model(path, model);
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/unet_small.safetensors");
  const Mode training{.training = true};
  const Value loss =
      l2_loss(model.forward(Value(golden.load("x")), training, nullptr), golden.load("target"));
  CHECK(loss.data().f32()[0] == Approx(golden.load("loss").f32()[0]).epsilon(1e-5));
  loss.backward();
  test::check_gradients_against(golden, model, "decoder2.1.norm.beta", 1000);
}
