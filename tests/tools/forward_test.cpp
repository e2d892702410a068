// `tinct forward` and the values of options.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "models/model.h"
#include "models/vgg16.h"
#include "tests/check.h"
#include "tools/parse.h"
#include "tools/self_test.h"
#include "tools/verb.h"
#include "train/image.h"

namespace tinct {
namespace {

struct Folder {
  Folder() : path("/tmp/tinct-forward-" + std::to_string(getpid())) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

// Runs the verb as main would; what it throws comes through.
void forward(const std::string& arguments) {
  CLI::App app;
  add_forward(app);
  app.parse("forward --quiet " + arguments);
}

}  // namespace

TEST_CASE("forward writes the network's output and, asked for, every activation") {
  const Folder folder;
  const Model model = make_model("unet-small", 3);
  save_model(folder / "model.safetensors", model);
  const Tensor x = test::random_tensor({2, 32, 48, 1}, 1);
  write_safetensors(folder / "x.safetensors", {{"x", x}});
  const std::string call = "--model " + (folder / "model.safetensors") + " --input " +
                           (folder / "x.safetensors") + " -o " + (folder / "y.safetensors");
  forward(call + " --repeat 2");
  Taps taps;
  const Value y = model.forward(Value(x), {}, &taps);
  {
    const SafetensorsFile file(folder / "y.safetensors");
    CHECK(file.entries().size() == 1);
    CHECK(test::difference(file.load("y"), y.data(), 0, 0) == "");
  }
  forward(call + " --taps");
  const SafetensorsFile file(folder / "y.safetensors");
  CHECK(file.entries().size() == 1 + taps.size());
  REQUIRE(taps.size() > 3);
  for (const auto& [name, tensor] : taps) {
    CHECK(test::difference(file.load(name), tensor, 0, 0) == "");
  }
}

TEST_CASE("forward refuses inputs that the network does not take") {
  const Folder folder;
  save_model(folder / "model.safetensors", make_model("unet-small", 3));
  const std::string call = "--model " + (folder / "model.safetensors") + " --repeat 1 --input ";
  write_safetensors(folder / "a", {{"x", Tensor::zeros({1, 32, 32, 3})}});
  CHECK_THROWS_AS(forward(call + (folder / "a")), DataError);
  write_safetensors(folder / "b", {{"x", Tensor::zeros({1, 33, 32, 1})}});
  CHECK_THROWS_AS(forward(call + (folder / "b")), DataError);
  write_safetensors(folder / "c",
                    {{"a", Tensor::zeros({1, 32, 32, 1})}, {"b", Tensor::zeros({1, 32, 32, 1})}});
  CHECK_THROWS_AS(forward(call + (folder / "c")), DataError);
  CHECK_THROWS_AS(forward(call + (folder / "d")), IoError);
}

TEST_CASE("forward runs a backbone on RGB and writes its five taps") {
  const Folder folder;
  const Vgg16 net =
      make_vgg16({.preprocessing = Preprocessing::torchvision, .width_divisor = 16}, 1);
  save_vgg16(folder / "vgg.safetensors", net);
  Tensor x = test::random_tensor({1, 33, 20, 3}, 1);
  write_safetensors(folder / "x.safetensors", {{"x", x}});
  const std::string call = "--model " + (folder / "vgg.safetensors") + " --input ";
  forward(call + (folder / "x.safetensors") + " --taps -o " + (folder / "y.safetensors"));
  const SafetensorsFile file(folder / "y.safetensors");
  CHECK(file.entries().size() == 6);
  const VggTaps taps = net(Value(x));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    CHECK(test::difference(file.load(kVggTapNames[i]), taps[i].data(), 0, 0) == "");
  }
  CHECK(test::difference(file.load("y"), taps[4].data(), 0, 0) == "");

  Image image = make_image(24, 40, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i * 7);
  }
  save_png(folder / "p.png", image);
  forward(call + (folder / "p.png") + " --taps -o " + (folder / "p.safetensors"));
  const Tensor rgb = SafetensorsFile(folder / "p.safetensors").load("x");
  CHECK(rgb.shape() == Shape{1, 24, 40, 3});
  CHECK(rgb.f32()[1] == Approx(7.0 / 255));

  write_safetensors(folder / "small", {{"x", Tensor::zeros({1, 15, 32, 3})}});
  CHECK_THROWS_AS(forward(call + (folder / "small") + " --repeat 1"), DataError);
  write_safetensors(folder / "grey", {{"x", Tensor::zeros({1, 32, 32, 1})}});
  CHECK_THROWS_AS(forward(call + (folder / "grey") + " --repeat 1"), DataError);
}

TEST_CASE("sizes are read strictly") {
  using Size = std::array<std::size_t, 2>;
  CHECK(parse_size("256x384", "--size") == Size{256, 384});
  CHECK(parse_size("256,384", "--size") == Size{256, 384});
  CHECK(parse_size("64", "--size") == Size{64, 64});
  for (const char* text : {"", "x", "0x1", "1x", "x1", "-1", "1x2x3", "70000", "1 x2", "1e3"}) {
    CHECK_THROWS_AS(parse_size(text, "--size"), std::invalid_argument);
  }
}

TEST_CASE("the self-test passes here, and would see what is wrong") {
  for (const SelfTest& test : run_self_tests()) {
    INFO(test.name << ": " << test.error);
    CHECK(test.passed());
    CHECK(test.tolerance < 0.1);
  }
  CHECK_FALSE(SelfTest{"", NAN, 1}.passed());
  CHECK_FALSE(SelfTest{"", 2, 1}.passed());
}

}  // namespace tinct
