// Merged models: the mean of their parts, on one backbone, through their file; and what is refused.
#include "models/ensemble.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include <unistd.h>

#include "core/error.h"
#include "layers/annealed_mean.h"
#include "layers/bilinear_upsample.h"
#include "layers/scale.h"
#include "models/vgg_unet.h"
#include "tests/check.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("tinct-ensemble-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

VggUnetConfig narrow() {
  VggUnetConfig config;
  config.preset = "vgg-unet";
  config.backbone.width_divisor = 16;
  config.widths = {0, 4, 5, 6, 7};
  config.members = 3;
  return config;
}

VggUnetConfig narrow_binned() {
  VggUnetConfig config = narrow();
  config.preset = "vgg-unet-bins";
  config.head = Head::binned;
  config.bins = Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 20});
  config.widths = {0, 3, 3, 3, 4};
  return config;
}

// Two models on the backbone of `seed`, saved.
std::vector<std::string> saved(const Folder& folder, std::uint64_t seed = 1) {
  const Vgg16 backbone = make_vgg16(narrow().backbone, seed);
  Model bins = make_vgg_unet(narrow_binned(), 5, backbone);
  bins.info.temperature = 0.5f;
  save_model(folder / "bins", bins);
  save_model(folder / "colour", make_vgg_unet(narrow(), 6, backbone));
  return {folder / "bins", folder / "colour"};
}

Tensor answer(const std::string& path, const Tensor& x) {
  const NoGrad no_grad;
  return load_model(path).forward(Value(x), {}, nullptr).data();
}

TEST_CASE("a merged model answers with the mean of its parts, and survives its file") {
  const Folder folder;
  const std::vector<std::string> parts = saved(folder);
  merge_models(parts, folder / "both");
  const Model both = load_model(folder / "both");
  CHECK(both.info.preset == kEnsemble);
  CHECK(both.info.head == Head::regression);
  const Tensor x = test::random_tensor({2, 16, 32, 1}, 1);
  const Value ab =
      annealed_mean(Value(answer(parts[0], x)), narrow_binned().bins, /*temperature=*/0.5f);
  const Tensor first = bilinear_upsample(scale(ab, 1 / kChromaScale), 16, 32).data();
  const Tensor second = answer(parts[1], x);
  Tensor mean(second.shape());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean.f32()[i] = (first.f32()[i] + second.f32()[i]) / 2;
  }
  CHECK(test::difference(answer(folder / "both", x), mean, 1e-5, 1e-6) == "");

  CHECK(both.info.logits == std::vector<std::string>{"part1.logits"});
  Taps taps;
  {
    const NoGrad no_grad;
    both.forward(Value(x), {}, &taps);
  }
  REQUIRE(taps.size() == 3);
  CHECK(taps[0].first == "part1.logits");
  CHECK(test::difference(taps[0].second, answer(parts[0], x), 1e-5, 1e-5) == "");
  CHECK(taps[1].first == "part1.chroma");
  CHECK(taps[2].first == "part2.chroma");

  save_model(folder / "again", both);
  CHECK(test::difference(answer(folder / "again", x), mean, 1e-5, 1e-6) == "");
  CHECK_THROWS_WITH(both.forward(Value(x), {.training = true}, nullptr),
                    Catch::Contains("merged from trained models"));
}

TEST_CASE("merging keeps the first members of each part") {
  const Folder folder;
  const std::vector<std::string> parts = saved(folder);
  merge_models(parts, folder / "all");
  merge_models(parts, folder / "two", 2);
  std::size_t all = 0, two = 0;
  for (const Parameter& p : load_model(folder / "all").parameters) {
    all += p.name.find("member") != std::string::npos;
  }
  for (const Parameter& p : load_model(folder / "two").parameters) {
    two += p.name.find("member") != std::string::npos;
  }
  CHECK(3 * two == 2 * all);
  CHECK_THROWS_AS(merge_models(parts, folder / "one", 1), std::invalid_argument);
}

TEST_CASE("what cannot be merged, and ensembles that cannot be") {
  const Folder folder;
  std::vector<std::string> parts = saved(folder);
  save_model(folder / "other", make_vgg_unet(narrow(), 6, make_vgg16(narrow().backbone, 2)));
  CHECK_THROWS_WITH(merge_models({parts[0], folder / "other"}, folder / "x"),
                    Catch::Contains("one frozen backbone"));
  save_model(folder / "unet", make_model("unet-small", 1));
  CHECK_THROWS_WITH(merge_models({parts[0], folder / "unet"}, folder / "x"),
                    Catch::Contains("not a vgg-unet"));
  VggUnetConfig finer = narrow();
  finer.widths[0] = 2;
  save_model(folder / "finer", make_vgg_unet(finer, 6, make_vgg16(narrow().backbone, 1)));
  CHECK_THROWS_WITH(merge_models({parts[0], folder / "finer"}, folder / "x"),
                    Catch::Contains("other taps"));
  Model vivid = make_vgg_unet(narrow(), 6, make_vgg16(narrow().backbone, 1));
  vivid.info.chroma_gain = 1.5f;
  save_model(folder / "vivid", vivid);
  CHECK_THROWS_WITH(merge_models({parts[0], folder / "vivid"}, folder / "x"),
                    Catch::Contains("chroma_gain"));
  vivid.info.chroma_gain = 1;
  vivid.info.chroma_lift = 4;
  save_model(folder / "vivid", vivid);
  CHECK_THROWS_WITH(merge_models({parts[0], folder / "vivid"}, folder / "x"),
                    Catch::Contains("chroma_lift"));
  CHECK_FALSE(fs::exists(folder / "x"));

  merge_models(parts, folder / "both");
  const SafetensorsFile file(folder / "both");
  NamedTensors tensors;
  for (const Parameter& p : load_model(folder / "both").parameters) {
    tensors.emplace_back(p.name, p.value.data());
  }
  const auto refused = [&](const std::string& key, const std::string& value) {
    Metadata metadata = file.metadata();
    metadata[key] = value;
    write_safetensors(folder / "bad", tensors, metadata);
    CHECK_THROWS_AS(load_model(folder / "bad"), WeightsError);
  };
  refused("parts", "1");
  refused("parts", "3");
  refused("parts", "many");
  refused("part1.preset", "no-such");
  refused("part2.widths", "1,2");
  refused("part2.widths", "0,0,4,4,4");
  refused("part1.temperature", "-1");
  refused("part1.members", "0");
}

}  // namespace
}  // namespace tinct
