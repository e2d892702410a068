// The safetensors reader and writer, above all what the reader refuses.
#include "core/safetensors.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/half.h"

using namespace tinct;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("tinct-safetensors-" + std::to_string(getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
  fs::path path;
};

std::string with_header(const std::string& json, const std::string& data = "") {
  const std::uint64_t size = json.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + json + data;
}

std::string refusal(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    SafetensorsFile file(path);
    return {};
  } catch (const WeightsError& e) {
    return e.what();
  }
}

const std::string kGood = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

}  // namespace

TEST_CASE("what is written is read back, metadata included") {
  const Folder folder;
  const std::string path = folder / "x.safetensors";
  Tensor bytes({1, 1, 1, 3}, DType::u8);
  std::memcpy(bytes.u8(), "xyz", 3);
  const Metadata metadata = {{"licence", "CC0"}, {"odd \"key\"\n", "\xC3\xA9\\\x01"}};
  write_safetensors(
      path, {{"bytes", bytes}, {"w", Tensor::from({2, 1, 1, 2}, {1, -2, 3.5f, 1e-30f})}}, metadata);
  const SafetensorsFile file(path);
  CHECK(file.metadata() == metadata);
  CHECK(file.entries().size() == 2);
  CHECK(file.entries()[0].name == "w");  // larger alignment first
  const Tensor w = file.load("w");
  CHECK(w.shape() == Shape{2, 1, 1, 2});
  CHECK(w.f32()[3] == 1e-30f);
  CHECK(file.load("bytes").u8()[2] == 'z');
  CHECK_THROWS_AS(file.load("none"), WeightsError);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("half, bfloat16, double and integers become f32") {
  const Folder folder;
  const std::string path = folder / "types.safetensors";
  std::string data;
  const auto put = [&](const auto& v) { data.append(reinterpret_cast<const char*>(&v), sizeof v); };
  put(std::uint64_t{0xFFFFFFFFFFFFFFFE});                                                 // I64 -2
  put(0.1);                                                                               // F64
  put(std::int32_t{-7});                                                                  // I32
  for (const std::uint16_t h : {0x3C00, 0xC000, 0x0001, 0x7C00, 0x3555, 0x8000}) put(h);  // F16
  put(std::uint16_t{0x3FC0});  // BF16 1.5
  std::ofstream(path, std::ios::binary) << with_header(
      R"({"i":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"d":{"dtype":"F64","shape":[1,1],"data_offsets":[8,16]},)"
      R"("j":{"dtype":"I32","shape":[1],"data_offsets":[16,20]},"h":{"dtype":"F16","shape":[6],"data_offsets":[20,32]},)"
      R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[32,34]},"none":{"dtype":"F32","shape":[0,4],"data_offsets":[34,34]}})",
      data);
  const SafetensorsFile file(path);
  CHECK(file.load("i").f32()[0] == -2);
  CHECK(file.load("d").f32()[0] == 0.1f);
  CHECK(file.load("j").f32()[0] == -7);
  const Tensor h = file.load("h");
  CHECK(h.f32()[0] == 1);
  CHECK(h.f32()[1] == -2);
  CHECK(h.f32()[2] == 0x1p-24f);
  CHECK(std::isinf(h.f32()[3]));
  CHECK(h.f32()[4] == Approx(1.0 / 3).epsilon(1e-3));
  CHECK(std::signbit(h.f32()[5]));
  CHECK(file.load("b").f32()[0] == 1.5f);
  CHECK(file.load("none").size() == 0);
}

TEST_CASE("numbers are written in 16 or 8 bits where that is asked for, or refused") {
  const Folder folder;
  const std::string path = folder / "narrow.safetensors";
  const Tensor w = Tensor::from({2, 1, 1, 3}, {1, -2.5f, 0.1f, -127, 127, 0});
  write_safetensors(path, {{"h", w}, {"q", Tensor::from({1, 1, 1, 3}, {-128, 127, 0})}, {"w", w}},
                    {}, {{"q", {3}}}, {{"h", "F16"}, {"q", "I8"}});
  const SafetensorsFile file(path);
  CHECK(file.find("h")->dtype == "F16");
  CHECK(file.find("q")->dtype == "I8");
  CHECK(file.find("q")->extents == std::vector<std::size_t>{3});
  CHECK(file.find("w")->dtype == "F32");
  CHECK(file.load("q").f32()[0] == -128);
  CHECK(file.load("h").f32()[1] == -2.5f);
  CHECK(file.load("h").f32()[2] == Approx(0.1).epsilon(0x1p-11));
  CHECK(file.load("w").f32()[2] == 0.1f);
  for (const float bad : {0.5f, 128.0f, -129.0f, std::nanf("")}) {
    CHECK_THROWS_AS(
        write_safetensors(path, {{"q", Tensor::full({1, 1, 1, 1}, bad)}}, {}, {}, {{"q", "I8"}}),
        std::invalid_argument);
  }
  const Tensor large = Tensor::full({1, 1, 1, 1}, 65520);
  CHECK_THROWS_AS(write_safetensors(path, {{"h", large}}, {}, {}, {{"h", "F16"}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(write_safetensors(path, {{"h", w}}, {}, {}, {{"h", "BF16"}}),
                  std::invalid_argument);
  CHECK(SafetensorsFile(path).entries().size() == 3);  // what was refused has left the file alone
}

TEST_CASE("half floats: every one survives, what lies between goes to the nearest, ties to even") {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const float value = half_to_float(static_cast<std::uint16_t>(h));
    if (std::isnan(value)) {
      REQUIRE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    REQUIRE(float_to_half(value) == h);
    if ((h & 0x7FFF) >= 0x7BFF) continue;  // the next one is infinite
    const float next = half_to_float(static_cast<std::uint16_t>(h + 1));
    const float middle = 0.5f * (value + next);
    REQUIRE(float_to_half(middle) == h + (h & 1));
    REQUIRE(float_to_half(std::nextafter(middle, value)) == h);
    REQUIRE(float_to_half(std::nextafter(middle, next)) == h + 1);
  }
  CHECK(float_to_half(65519.9f) == 0x7BFF);
  CHECK(float_to_half(65520) == 0x7C00);
  CHECK(float_to_half(-1e30f) == 0xFC00);
}

TEST_CASE("every malformed header is refused with the file, the offset and the reason") {
  const Folder folder;
  const std::string path = folder / "bad.safetensors";
  const std::string eight(8, '\0');
  CHECK(refusal(path, with_header(kGood, eight)).empty());
  CHECK(refusal(path, with_header(kGood + "   ", eight)).empty());
  const std::pair<std::string, const char*> cases[] = {
      {"", "too few"},
      {std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8), "does not fit"},
      {with_header(" " + kGood, eight), "'{'"},
      {with_header(kGood + "x", eight), "after the header"},
      {with_header(kGood, eight + "!"), "trailing"},
      {with_header(kGood, "1234567"), "truncated"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", eight), "span"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", eight + "0000"),
       "hole"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", eight), "hole"},
      {with_header(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", eight),
       "not supported"},
      {with_header(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", eight),
       "unsigned"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", eight),
       "expected"},
      {with_header(R"({"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}})", eight), "zero"},
      {with_header(R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})",
                   eight),
       "64 bits"},
      {with_header(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,8]}})",
                   eight),
       "overflows"},
      {with_header(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}})",
           eight),
       "twice"},
      {with_header(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                   eight),
       "twice"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", eight),
       "unknown key"},
      {with_header(R"({"a":{"dtype":"F32","shape":[2]}})", eight), "lacks"},
      {with_header(
           R"({"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
           eight),
       "string"},
      {with_header(R"({"a)", eight), "without an end"},
      {with_header("{\"\xFF\":{}}", eight), "UTF-8"},
      {with_header(R"({"\ud800":{}})", eight), "surrogate"},
      {with_header("", eight), "'{'"},
      {with_header(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
           "123456"),
       "overlap"},
  };
  for (const auto& [bytes, reason] : cases) {
    const std::string message = refusal(path, bytes);
    INFO(reason << " in: " << message);
    CHECK(message.find(reason) != std::string::npos);
    CHECK(message.find(path) == 0);
    CHECK(message.find("offset") != std::string::npos);
  }
}

TEST_CASE("a file cut at any byte is refused, whatever it held") {
  const Folder folder;
  const std::string path = folder / "whole.safetensors";
  write_safetensors(path, {{"a", Tensor::full({2, 3, 1, 2}, 1)}, {"b", Tensor::full({}, 2)}},
                    {{"k", "v"}});
  const std::string bytes = read_file(path);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(refusal(folder / "cut.safetensors", bytes.substr(0, length)).empty());
  }
}

TEST_CASE("what is not a regular file is refused without hanging") {
  const Folder folder;
  CHECK_THROWS_AS(SafetensorsFile(folder.path.string()), IoError);
  CHECK_THROWS_AS(SafetensorsFile("/dev/zero"), IoError);
  CHECK_THROWS_AS(SafetensorsFile(folder / "absent"), IoError);
}
