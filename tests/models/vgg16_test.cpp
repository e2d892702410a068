// VGG16: what its taps are, its preprocessing, freezing, and weights files that are checked.
#include "models/vgg16.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"
#include "layers/activation.h"
#include "layers/max_pool.h"
#include "layers/normalise_rgb.h"
#include "models/model.h"
#include "tests/check.h"

using namespace tinct;

namespace {

struct Path {
  explicit Path(const std::string& name)
      : text("/tmp/tinct-vgg16-" + std::to_string(getpid()) + "-" + name) {}
  ~Path() { std::filesystem::remove(text); }
  std::string text;
};

Vgg16Config narrow(bool batch_norm = false) {
  return {batch_norm, Preprocessing::torchvision, 16};
}

Tensor picture(std::size_t h, std::size_t w) {
  Tensor x = test::random_tensor({2, h, w, 3}, 7);
  for (std::size_t i = 0; i < x.size(); ++i) x.f32()[i] = (x.f32()[i] + 1) / 2;
  return x;
}

}  // namespace

TEST_CASE("preprocessing: order, scale and shift of a pixel a person can check") {
  Vgg16Config config = narrow();
  // Convolution conv1_1 made to copy the middle pixel of its input's channel k to output k.
  const auto first = [&](Preprocessing preprocessing) {
    config.preprocessing = preprocessing;
    const Vgg16 net = make_vgg16(config, 1);
    for (std::size_t i : {0, 1}) {
      Value w = net.convolutions[i].weight;
      w.mutable_data().fill(0);
      const Shape s = w.shape();
      for (std::size_t k = 0; k < 3; ++k) w.mutable_data().f32()[(k * 9 + 4) * s.c + k] = 1;
    }
    const Tensor x = Tensor::from({1, 1, 1, 3}, {1.0f, 0.6f, 0.8f});
    return net(Value(x), {}, 1)[0].data();
  };
  const Tensor caffe = first(Preprocessing::caffe_bgr);
  CHECK(caffe.f32()[0] == Approx(0.8 * 255 - 103.939));
  CHECK(caffe.f32()[1] == Approx(0.6 * 255 - 116.779));
  CHECK(caffe.f32()[2] == Approx(255 - 123.68));
  const Tensor torchvision = first(Preprocessing::torchvision);
  CHECK(torchvision.f32()[0] == Approx((1.0 - 0.485) / 0.229));
  CHECK(torchvision.f32()[1] == Approx((0.6 - 0.456) / 0.224));
  CHECK(torchvision.f32()[2] == Approx((0.8 - 0.406) / 0.225));
}

TEST_CASE("the preprocessing passes gradients on") {
  const RgbNormalisation bgr{{2, 1, 0}, {2, 3, 4}, {-1, 5, 0}};
  const auto f = [&](const std::vector<Value>& in) { return normalise_rgb(in[0], bgr); };
  CHECK(test::check_gradients(f, {test::random_tensor({2, 3, 4, 3}, 1)}) == "");
  CHECK_THROWS_AS(normalise_rgb(Value(Tensor::zeros({1, 2, 2, 1})), bgr), std::invalid_argument);
}

TEST_CASE("each tap is its block's last convolution at its resolution, rounded down") {
  const bool batch_norm = GENERATE(false, true);
  const Vgg16 net = make_vgg16(narrow(batch_norm), 3);
  const Value x(picture(65, 97));
  const VggTaps taps = net(x);
  const Shape expected[] = {
      {2, 65, 97, 4}, {2, 32, 48, 8}, {2, 16, 24, 16}, {2, 8, 12, 32}, {2, 4, 6, 32}};
  for (std::size_t i = 0; i < 5; ++i) CHECK(taps[i].shape() == expected[i]);
  // The second block from the first, by hand.
  Value y = max_pool(taps[0]);
  for (std::size_t i : {2, 3}) {
    y = net.convolutions[i](y);
    if (batch_norm) y = net.norms[i](y, {}, Activation::relu);
  }
  CHECK(test::difference(taps[1].data(), y.data(), 0, 0) == "");
  // Fewer blocks: the same, and nothing beyond them.
  const VggTaps two = net(x, {}, 2);
  CHECK(test::difference(two[1].data(), taps[1].data(), 0, 0) == "");
  CHECK_FALSE(two[2].defined());
  CHECK_THROWS_AS(net(Value(picture(15, 40))), std::invalid_argument);
  CHECK_THROWS_AS(net(Value(Tensor::zeros({1, 32, 32, 1}))), std::invalid_argument);
  CHECK_THROWS_AS(net(x, {}, 6), std::invalid_argument);
}

TEST_CASE("a frozen VGG16 records nothing and leaves its batch norms alone") {
  Vgg16 net = make_vgg16(narrow(true), 3);
  const Mode training{.training = true};
  const Value x(picture(32, 32));
  CHECK(net(x, training)[4].requires_grad());
  net.freeze();
  const Tensor before = net.norms[0].running_mean.data().clone();
  const VggTaps taps = net(x, training);
  for (const Value& tap : taps) CHECK_FALSE(tap.requires_grad());
  CHECK(test::difference(net.norms[0].running_mean.data(), before, 0, 0) == "");
  CHECK(test::difference(taps[4].data(), net(x)[4].data(), 0, 0) == "");
}

TEST_CASE("weights and preprocessing survive a file; a file that does not fit is refused") {
  const bool batch_norm = GENERATE(false, true);
  const Path path("weights");
  const Vgg16 net = make_vgg16(narrow(batch_norm), 5);
  save_vgg16(path.text, net, {{"licence", "none"}});
  const Vgg16 again = load_vgg16(path.text);
  CHECK(again.config.arch() == net.config.arch());
  CHECK(again.config.preprocessing == Preprocessing::torchvision);
  const Value x(picture(20, 24));
  CHECK(test::difference(again(x)[4].data(), net(x)[4].data(), 0, 0) == "");
  CHECK_THROWS_WITH(load_model(path.text), Catch::Contains("backbone vgg16"));

  const SafetensorsFile file(path.text);
  const NamedTensors tensors = file.load_all();
  Metadata metadata = file.metadata();
  CHECK(metadata.at("licence") == "none");
  const auto refused = [&](const char* key, const char* value) {
    const Path broken("broken");
    Metadata changed = metadata;
    if (value == nullptr) {
      changed.erase(key);
    } else {
      changed[key] = value;
    }
    write_safetensors(broken.text, tensors, changed);
    CHECK_THROWS_AS(load_vgg16(broken.text), WeightsError);
  };
  refused("preprocessing", nullptr);
  refused("preprocessing", "guess");
  refused("arch", batch_norm ? "vgg16" : "vgg16_bn");
  refused("arch", "resnet50");
  refused("width_divisor", "8");
  refused("width_divisor", "0");
  refused("width_divisor", "-1");
}

TEST_CASE("the prefix names every parameter, for a learning rate of its own") {
  Parameters parameters;
  make_vgg16(narrow(true), 1).collect(parameters, "vgg");
  CHECK(parameters.size() == 13 * 6);
  CHECK(parameters[0].name == "vgg.conv1_1.weight");
  CHECK(parameters[2].name == "vgg.norm1_1.gamma");
  for (const Parameter& p : parameters) CHECK(p.name.rfind("vgg.", 0) == 0);
  CHECK_THROWS_AS(make_vgg16({.width_divisor = 3}, 1), std::invalid_argument);
}
