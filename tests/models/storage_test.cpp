// Weights in 16 and 8 bits: how far they are from what was stored, and what is refused.
#include "models/storage.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "models/model.h"
#include "tests/check.h"

using namespace tinct;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("tinct-storage-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

}  // namespace

TEST_CASE("storages have names") {
  for (const Storage s : {Storage::f32, Storage::f16, Storage::i8}) {
    CHECK(parse_storage(to_string(s)) == s);
  }
  CHECK_THROWS_AS(parse_storage("int4"), std::invalid_argument);
}

TEST_CASE("eight bits: whole numbers up to 127 and a scale for each output channel") {
  const Tensor w = Tensor::from({3, 1, 2, 2}, {2.54f, -1.27f, 0.01f, 0.031f,  //
                                               0, 0, 0, 0,                    //
                                               -1e-3f, 1e-3f, 5e-4f, 2e-6f});
  const auto [q, scale] = quantise_rows(w);
  CHECK(test::difference(scale, Tensor::from({1, 1, 1, 3}, {0.02f, 1, 1e-3f / 127}), 1e-6, 0) ==
        "");
  CHECK(test::difference(q, Tensor::from(w.shape(), {127, -64, 0, 2, 0, 0, 0, 0, -127, 127, 64, 0}),
                         0, 0) == "");
}

TEST_CASE("a stored model is rebuilt within the bounds of its storage; all else stays exact") {
  const Folder folder;
  const Model model = make_model("unet-small", 5);
  std::uintmax_t last = 0;
  for (const Storage storage : {Storage::i8, Storage::f16, Storage::f32}) {
    const std::string path = folder / "m.safetensors";
    save_model(path, model, {{"licence", "CC0"}}, storage);
    CHECK(fs::file_size(path) > last);
    last = fs::file_size(path);
    const SafetensorsFile file(path);
    CHECK(file.metadata().contains("storage") == (storage != Storage::f32));
    CHECK(file.metadata().at("licence") == "CC0");
    const Model again = load_model(path);
    for (std::size_t k = 0; k < model.parameters.size(); ++k) {
      const Parameter& p = model.parameters[k];
      const Tensor &a = p.value.data(), &b = again.parameters[k].value.data();
      INFO(to_string(storage) << " " << p.name);
      const bool exact = storage == Storage::f32 || !p.name.ends_with(".weight");
      if (exact) {
        CHECK(test::difference(b, a, 0, 0) == "");
      } else if (storage == Storage::f16) {
        CHECK(test::difference(b, a, 0x1p-11, 0x1p-25) == "");
      } else {
        const std::size_t size = a.size() / a.shape().n;
        bool within = true;
        for (std::size_t row = 0; row < a.shape().n; ++row) {
          float most = 0, worst = 0;
          for (std::size_t i = row * size; i < (row + 1) * size; ++i) {
            most = std::fmax(most, std::abs(a.f32()[i]));
            worst = std::fmax(worst, std::abs(a.f32()[i] - b.f32()[i]));
          }
          within = within && worst <= 0.5001f * most / 127;
        }
        CHECK(within);
      }
    }
    // Storing what was stored changes nothing more.
    save_model(folder / "twice.safetensors", again, {}, storage);
    const Model twice = load_model(folder / "twice.safetensors");
    for (std::size_t k = 0; k < model.parameters.size(); ++k) {
      CHECK(test::difference(twice.parameters[k].value.data(), again.parameters[k].value.data(),
                             1e-6, 0) == "");
    }
  }
}

TEST_CASE("corrupt scales are refused by name") {
  const Folder folder;
  const std::string path = folder / "m.safetensors";
  const Model model = make_model("unet-small", 5);
  save_model(path, model, {}, Storage::i8);
  const NamedTensors good = SafetensorsFile(path).load_all();
  std::map<std::string, std::string> whole;
  const SafetensorsFile stored(path);
  for (const TensorEntry& e : stored.entries()) {
    if (e.dtype == "I8") whole[e.name] = "I8";
  }
  const std::string name = scale_name("encoder1.1.conv.weight");
  const auto refused = [&](const std::function<void(NamedTensors&)>& change) -> std::string {
    NamedTensors tensors;
    for (const auto& [key, tensor] : good) tensors.emplace_back(key, tensor.clone());
    change(tensors);
    write_safetensors(path, tensors, describe(model), {}, whole);
    try {
      load_model(path);
      return "";
    } catch (const WeightsError& e) {
      return e.what();
    }
  };
  const auto scale_of = [&](NamedTensors& tensors) -> Tensor& {
    for (auto& [key, tensor] : tensors) {
      if (key == name) return tensor;
    }
    throw std::logic_error("no scale");
  };
  CHECK(refused([](NamedTensors&) {}) == "");
  for (const float bad : {NAN, INFINITY, 0.0f, -0.5f}) {
    CHECK_THAT(refused([&](NamedTensors& t) { scale_of(t).f32()[3] = bad; }),
               Catch::Contains(name) && Catch::Contains("element 3"));
  }
  CHECK_THAT(refused([&](NamedTensors& t) { scale_of(t).f32()[3] = 1e38f; }),
             Catch::Contains("finite"));
  CHECK_THAT(refused([&](NamedTensors& t) {
               scale_of(t) = Tensor::full({1, 1, 1, 31}, 1);
             }),
             Catch::Contains(name) && Catch::Contains("32 output channels"));
  CHECK_THAT(refused([&](NamedTensors& t) {
               scale_of(t) = Tensor({1, 1, 1, 32}, DType::u8);
             }),
             Catch::Contains(name));
  CHECK_THAT(refused([&](NamedTensors& t) {
               std::erase_if(t, [&](const auto& named) { return named.first == name; });
             }),
             Catch::Contains("encoder1.1.conv.weight") && Catch::Contains("no scales"));
  CHECK_THAT(refused([&](NamedTensors& t) {
               t.emplace_back("head.bias.scale", Tensor::full({1, 1, 1, 2}, 1));
             }),
             Catch::Contains("head.bias.scale"));
}
