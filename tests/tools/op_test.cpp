// `tinct op`: the fixed sample of cases against PyTorch, and what it refuses.
#include "tools/op.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <sstream>

#include "core/error.h"
#include "tests/check.h"

namespace tinct {
namespace {

const char* const kGolden = TINCT_SOURCE_DIR "/tests/golden/ops.safetensors";

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

// Tensors of one case's "in" or "out", by their short names.
NamedTensors part(const SafetensorsFile& file, const std::string& prefix) {
  NamedTensors tensors;
  for (const TensorEntry& entry : file.entries()) {
    if (entry.name.rfind(prefix, 0) == 0) {
      tensors.emplace_back(entry.name.substr(prefix.size()), file.load(entry.name));
    }
  }
  return tensors;
}

// Empty when the operation gives every tensor of `expected`, and nothing else.
std::string replay(const std::string& call, const NamedTensors& inputs,
                   const NamedTensors& expected) {
  std::vector<std::string> settings = words(call);
  const std::string name = settings.front();
  settings.erase(settings.begin());
  std::map<std::string, Tensor> outputs;
  for (auto& [key, tensor] : run_operation(find_operation(name), inputs, settings)) {
    outputs[key] = tensor;
  }
  if (outputs.size() != expected.size()) return call + ": another number of outputs";
  for (const auto& [key, tensor] : expected) {
    double largest =
        1e-3;  // where the gradient is nought, as for one bin, that is what rounding is
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      largest = std::max(largest, std::abs(double{tensor.f32()[i]}));
    }
    const std::string error = test::difference(outputs[key], tensor, 0, 2e-5 * largest);
    if (!error.empty()) return call + ": " + key + ": " + error;
  }
  return "";
}

NamedTensors one(const Tensor& x) {
  return {{"x", x}};
}

}  // namespace

TEST_CASE("operations agree with PyTorch on the fixed sample") {
  const SafetensorsFile file(kGolden);
  std::set<std::string> seen;
  for (const auto& [number, call] : file.metadata()) {
    if (number == "made by") continue;
    seen.insert(words(call).front());
    CHECK(replay(call, part(file, number + "/in/"), part(file, number + "/out/")) == "");
  }
  for (const Operation& operation : operations()) {
    if (operation.name != "dropout") CHECK(seen.count(operation.name) == 1);
  }
}

TEST_CASE("the replay sees one wrong number") {
  const SafetensorsFile file(kGolden);
  const std::string call = file.metadata().at("00");
  NamedTensors expected = part(file, "00/out/");
  for (auto& [name, tensor] : expected) {
    tensor = tensor.clone();
    tensor.f32()[0] += 0.01f;
    CHECK(replay(call, part(file, "00/in/"), expected) != "");
    tensor.f32()[0] = NAN;
    CHECK(replay(call, part(file, "00/in/"), expected) != "");
    tensor.f32()[0] = 0;
  }
}

TEST_CASE("dropout is the same for the same seed and passes its mask to the gradient") {
  const Tensor x = Tensor::full({1, 16, 16, 4}, 1.0f);
  const NamedTensors inputs = {{"x", x}, {"dy", x}};
  const std::vector<std::string> settings = {"rate=0.5", "seed=7"};
  const NamedTensors a = run_operation(find_operation("dropout"), inputs, settings);
  const NamedTensors b = run_operation(find_operation("dropout"), inputs, settings);
  REQUIRE(a.size() == 2);
  CHECK(test::difference(a[0].second, b[0].second, 0, 0) == "");
  CHECK(test::difference(a[0].second, a[1].second, 0, 0) == "");
  std::size_t kept = 0;
  for (std::size_t i = 0; i < x.size(); ++i) kept += a[0].second.f32()[i] == 2.0f;
  CHECK(kept > 400);
  CHECK(kept < 624);
}

TEST_CASE("op refuses unknown names with a suggestion") {
  CHECK_THROWS_WITH(find_operation("max_pol"), Catch::Contains("did you mean 'max_pool'?"));
  const Operation& pool = find_operation("max_pool");
  const NamedTensors x = one(test::random_tensor({1, 4, 4, 1}, 1));
  CHECK_THROWS_WITH(run_operation(pool, x, {"kernle=2"}),
                    Catch::Contains("did you mean 'kernel'?"));
  CHECK_THROWS_WITH(run_operation(pool, x, {"kernel"}), Catch::Contains("key=value"));
  CHECK_THROWS_WITH(run_operation(pool, x, {"kernel="}), Catch::Contains("no value"));
  CHECK_THROWS_WITH(run_operation(pool, x, {"kernel=2,2,2"}), Catch::Contains("h,w"));
  CHECK_THROWS_WITH(run_operation(pool, x, {"kernel=-1"}), Catch::Contains("whole numbers"));
  CHECK_THROWS_WITH(run_operation(pool, x, {"ceil=maybe"}), Catch::Contains("true or false"));
  const Operation& resize = find_operation("bilinear_upsample");
  CHECK_THROWS_WITH(run_operation(resize, x, {"size=2", "align=corner"}),
                    Catch::Contains("did you mean 'corners'?"));
  CHECK_THROWS_WITH(run_operation(resize, x, {}), Catch::Contains("size=h,w"));
  CHECK_THROWS_AS(run_operation(find_operation("leaky_relu"), x, {"slope=nan"}),
                  std::invalid_argument);
}

TEST_CASE("op refuses tensors that do not belong or do not fit") {
  const Tensor x = test::random_tensor({1, 4, 4, 2}, 1);
  const Operation& conv = find_operation("conv2d");
  CHECK_THROWS_WITH(run_operation(conv, one(x), {}), Catch::Contains("needs a tensor 'w'"));
  CHECK_THROWS_AS(run_operation(conv, {{"x", x}, {"bias", x}}, {}), DataError);
  const Tensor w = test::random_tensor({3, 3, 3, 2}, 2);
  CHECK_THROWS_AS(run_operation(conv, {{"x", x}, {"w", w}, {"dy", x}}, {}), DataError);
  CHECK_THROWS_AS(run_operation(conv, {{"x", x}, {"w", x}, {"b", x}}, {}), std::invalid_argument);
  CHECK_THROWS_AS(run_operation(find_operation("srgb_to_lab"), one(x), {}), std::invalid_argument);
  CHECK_THROWS_AS(run_operation(find_operation("batch_norm"), {{"x", x}, {"gamma", w}}, {}),
                  std::invalid_argument);
}

TEST_CASE("a pair is one number for both, sides are one, two or four") {
  const std::vector<OpSetting> known = {{"stride", SettingKind::pair, "1", ""},
                                        {"pad", SettingKind::sides, "0", ""}};
  const OpSettings set(known, {"stride=3", "pad=1,2"});
  CHECK(set.pair("stride") == std::array<std::size_t, 2>{3, 3});
  CHECK(set.sides("pad") == std::array<std::size_t, 4>{1, 2, 1, 2});
  CHECK(OpSettings(known, {"pad=1,2,3,4"}).sides("pad") == std::array<std::size_t, 4>{1, 2, 3, 4});
  CHECK(OpSettings(known, {}).pair("stride") == std::array<std::size_t, 2>{1, 1});
}

}  // namespace tinct
