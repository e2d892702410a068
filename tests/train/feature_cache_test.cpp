// Frozen layers asked once: the same numbers but for 16 bits, whatever the file holds.
#include "train/feature_cache.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/half.h"
#include "models/dahl.h"
#include "models/vgg_unet.h"
#include "tests/check.h"
#include "tests/train/data_check.h"
#include "train/learner.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::hash_of;
using test::random_tensor;

constexpr std::size_t kCrop = 32;

// Sixteenth the width of VGG16.
Model narrow_vgg_unet(std::uint64_t seed = 3) {
  VggUnetConfig config;
  config.preset = "narrow";
  config.backbone.width_divisor = 16;
  config.widths = {2, 4, 8, 8, 8};
  return make_vgg_unet(config, seed);
}

Model narrow_dahl(bool hypercolumn, bool exact = false, bool finetune = false) {
  DahlConfig config;
  config.preset = "narrow";
  config.backbone.width_divisor = 16;
  config.hypercolumn = hypercolumn;
  config.exact = exact;
  config.finetune = finetune;
  return make_dahl(config, 3);
}

Tensor samples(std::size_t n, std::uint64_t seed) {
  return random_tensor({n, kCrop, kCrop, 1}, seed);
}

Tensor picked(const Tensor& x, const std::vector<std::size_t>& which) {
  const Shape s = x.shape();
  const std::size_t size = s.h * s.w * s.c;
  Tensor out({which.size(), s.h, s.w, s.c});
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::copy_n(x.f32() + which[i] * size, size, out.f32() + i * size);
  }
  return out;
}

Tensor through_16_bits(const Tensor& x) {
  Tensor y(x.shape());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.f32()[i] = half_to_float(float_to_half(std::min(x.f32()[i], 65504.0f)));
  }
  return y;
}

// "" when the maps are the model's own, rounded, to the last bit.
std::string against(const Model& model, const Tensor& x, const std::vector<Value>& maps) {
  const std::vector<Value> own = model.frozen(Value(x));
  if (own.size() != maps.size()) return "another number of maps";
  for (std::size_t m = 0; m < own.size(); ++m) {
    if (own[m].defined() != maps[m].defined()) return "another map is empty";
    if (!own[m].defined()) continue;
    const std::string d = test::difference(maps[m].data(), through_16_bits(own[m].data()), 0, 0);
    if (!d.empty()) return "map " + std::to_string(m) + ": " + d;
  }
  return "";
}

}  // namespace

TEST_CASE("forward is forward_from of what the frozen layers make of the input") {
  const std::function<Model()> networks[] = {
      [] { return narrow_vgg_unet(); }, [] { return narrow_dahl(false); },
      [] { return narrow_dahl(false, true); }, [] { return narrow_dahl(true); }};
  const Value x(samples(2, 1));
  const Mode mode{true, 7, 5};
  for (const auto& make : networks) {
    const Model a = make(), b = make();
    const Tensor whole = a.forward(x, mode, nullptr).data();
    const Tensor parts = b.forward_from(x, b.frozen(x), mode).data();
    CHECK(hash_of(whole) == hash_of(parts));
    for (const Value& map : b.frozen(x)) CHECK((!map.defined() || !map.requires_grad()));
  }
  CHECK(!narrow_dahl(true, false, true).frozen);
  CHECK(!narrow_dahl(true, false, true).forward_from);
}

TEST_CASE("the cache answers as the layers do, in 16 bits, and asks them once") {
  for (const bool dahl : {false, true}) {
    const Model model = dahl ? narrow_dahl(false) : narrow_vgg_unet();
    Folder folder;
    const std::string path = folder / "frozen.cache";
    const Tensor all = samples(5, 2);
    const Tensor some = picked(all, {3, 1, 3}), mixed = picked(all, {4, 0, 1});
    {
      FeatureCache cache(path, model, kCrop, 5);
      CHECK(against(model, some, cache(Value(some))) == "");
      CHECK(cache.known() == 2);
      const std::size_t before = cache.computed();
      CHECK(against(model, some, cache(Value(some))) == "");
      CHECK(cache.computed() == before);
      CHECK(against(model, mixed, cache(Value(mixed))) == "");
      CHECK(cache.computed() == before + 2);
      CHECK(cache.known() == 4);
      CHECK_THROWS_AS(cache(Value(Tensor::zeros({1, 16, 16, 1}))), std::invalid_argument);
      CHECK_THROWS_WITH(FeatureCache(path, model, kCrop, 5), Catch::Contains("another process"));
    }
    FeatureCache again(path, model, kCrop, 5);
    CHECK(again.known() == 4);
    CHECK(against(model, all, again(Value(all))) == "");
    CHECK(again.computed() == 1);
    CHECK(fs::file_size(path) == cache_bytes(model, kCrop, 5));
    CHECK(fs::file_size(path) >= 5 * again.sample_bytes());
  }
}

TEST_CASE(
    "what is damaged in the cache is computed anew, and other layers' answers are not taken") {
  const Model model = narrow_vgg_unet();
  Folder folder;
  const std::string path = folder / "frozen.cache";
  const Tensor x = samples(3, 4);
  { FeatureCache(path, model, kCrop, 3)(Value(x)); }
  std::string bytes = read_file(path);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 0x10);  // in the last
  write_file_atomically(path, bytes);
  {
    FeatureCache cache(path, model, kCrop, 3);
    CHECK(cache.known() == 3);
    CHECK(against(model, x, cache(Value(x))) == "");
    CHECK(cache.computed() == 1);
  }
  write_file_atomically(path, bytes.substr(0, bytes.size() - 1));
  CHECK(FeatureCache(path, model, kCrop, 3).known() == 0);
  { FeatureCache(path, model, kCrop, 3)(Value(x)); }
  const Model other = narrow_vgg_unet(9);
  FeatureCache cache(path, other, kCrop, 3);
  CHECK(cache.known() == 0);
  CHECK(against(other, x, cache(Value(x))) == "");
}

TEST_CASE("a cache that is too small stays right") {
  const Model model = narrow_vgg_unet();
  Folder folder;
  FeatureCache cache(folder / "frozen.cache", model, kCrop, 2);
  const Tensor x = samples(4, 5);
  for (int round = 0; round < 3; ++round) {
    CHECK(against(model, x, cache(Value(x))) == "");
    CHECK(cache.known() == 2);
  }
  CHECK(cache.computed() > 4);
}

TEST_CASE("the cache refuses in words: a full disk, nothing frozen, numbers that are not finite") {
  Folder folder;
  const Model model = narrow_vgg_unet();
  const std::string path = folder / "deep/frozen.cache";
  CHECK_THROWS_WITH(check_cache_room(path, std::uint64_t{1} << 60), Catch::Contains("MiB needed"));
  CHECK_NOTHROW(check_cache_room(path, 1));
  const std::string here = folder / "frozen.cache";
  CHECK_THROWS_AS(FeatureCache(here, model, kCrop, 1'000'000'000'000), IoError);
  CHECK(!fs::exists(here));
  CHECK_THROWS_AS(FeatureCache(path, model, kCrop, 2), IoError);  // no such folder
  CHECK_THROWS_AS(FeatureCache(here, narrow_dahl(true, false, true), kCrop, 2),
                  std::invalid_argument);
  CHECK(cache_bytes(narrow_dahl(true, false, true), kCrop, 2) == 0);
  CHECK_THROWS_AS(FeatureCache(here, model, kCrop, 0), std::invalid_argument);
  FeatureCache cache(here, model, kCrop, 2);
  Tensor x = samples(1, 6);
  Value(model.parameters[0].value).mutable_data().f32()[0] = NAN;
  CHECK_THROWS_AS(cache(Value(x)), NumericError);
  CHECK(cache.known() == 0);
}

TEST_CASE("fixed crops come back every K-th epoch, the same whatever the order") {
  Folder folder;
  test::write_hills(folder / "data", 4, 2, 60);
  const Dataset dataset(folder / "data");
  LoaderOptions options;
  options.batch = 4;
  options.augment.crop = kCrop;
  options.fixed_crops = 3;
  options.source_power = 1;
  Loader loader(dataset, options);
  std::map<std::size_t, std::vector<std::uint64_t>> seen;  // of each picture, by epoch
  for (std::uint64_t epoch = 0; epoch < 9; ++epoch) {
    const Batch batch = loader.next(epoch);
    for (std::size_t i = 0; i < 4; ++i) {
      seen[batch.indices[i]].push_back(hash_of(picked(batch.lightness, {i})));
    }
  }
  REQUIRE(seen.size() == 4);
  for (const auto& [picture, hashes] : seen) {
    for (std::size_t epoch = 3; epoch < 9; ++epoch) CHECK(hashes[epoch] == hashes[epoch - 3]);
    CHECK(hashes[0] != hashes[1]);
    CHECK(hashes[1] != hashes[2]);
  }
}

TEST_CASE("training through the cache is training, and the same bits with a full or an empty one") {
  Folder folder;
  test::write_hills(folder / "data", 4, 2, 60);
  const Dataset dataset(folder / "data");
  TrainConfig config;
  config.preset = "narrow";
  config.optim.lr = 3e-3;
  LoaderOptions options;
  options.batch = 4;
  options.augment.crop = kCrop;
  options.fixed_crops = 2;
  const auto losses = [&](const std::string& path) {
    Loader loader(dataset, options);
    Learner learner(config, narrow_vgg_unet());
    std::optional<FeatureCache> cache;
    if (!path.empty()) {
      cache.emplace(path, learner.model(), kCrop, 8);
      learner.use(*cache);
    }
    std::vector<double> out;
    for (std::uint64_t i = 0; i < 6; ++i) out.push_back(learner.step({loader.next(i)}).loss);
    if (cache) CHECK(cache->computed() <= 8);
    return out;
  };
  const std::vector<double> plain = losses("");
  const std::vector<double> empty = losses(folder / "frozen.cache");
  const std::vector<double> full = losses(folder / "frozen.cache");
  CHECK(empty == full);
  CHECK(empty.back() != empty.front());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    INFO("step " << i);
    CHECK(empty[i] == Approx(plain[i]).epsilon(2e-3));
  }
}

}  // namespace tinct
