// What the tests of tinct import share: the files that other libraries wrote, and their
// activations.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "tests/check.h"
#include "train/import/source.h"
#include "train/import/vgg16_import.h"

namespace tinct::import_check {

inline const std::string kFolder = std::string(TINCT_SOURCE_DIR) + "/tests/golden/import/";
inline constexpr std::size_t kDivisor = 32;

inline Vgg16Import import_file(const std::string& path, Vgg16ImportOptions options = {}) {
  options.width_divisor = kDivisor;
  const Source source = read_source(path);
  return import_vgg16(source, options);
}

inline Vgg16ImportOptions as(Preprocessing preprocessing) {
  Vgg16ImportOptions out;
  out.preprocessing = preprocessing;
  return out;
}

inline void check_taps(const Vgg16& net, const std::string& expected) {
  const SafetensorsFile golden(kFolder + "expected.safetensors");
  const VggTaps taps = net(Value(golden.load("x")));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    INFO(expected << "." << kVggTapNames[i]);
    const Tensor t = golden.load(expected + "." + kVggTapNames[i]);
    CHECK(test::relative_error(taps[i].data(), t, 1e-5) == "");
  }
}

// A file of the given bytes, removed with it.
struct Scratch {
  explicit Scratch(std::string_view bytes) : path("/tmp/tinct-import-" + std::to_string(getpid())) {
    std::ofstream(path, std::ios::binary) << bytes;  // no sync: thousands are written
  }
  ~Scratch() { std::filesystem::remove(path); }
  std::string path;
};

enum class Outcome { refused, same, other };

inline Outcome import_bytes(std::string_view bytes, const Vgg16ImportOptions& options,
                            const Parameters& good) {
  const Scratch file(bytes);
  Parameters found;
  try {
    import_file(file.path, options).net.collect(found);
  } catch (const WeightsError&) {
    return Outcome::refused;  // any other exception fails the test
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (test::difference(found[i].value.data(), good[i].value.data(), 0, 0) != "") {
      return Outcome::other;
    }
  }
  return Outcome::same;
}

/// What an import is refused with, "" when it is not.
inline std::string refusal(const std::string& path, const Vgg16ImportOptions& options = {}) {
  try {
    import_file(path, options);
  } catch (const WeightsError& e) {
    return e.what();
  }
  return "";
}

}  // namespace tinct::import_check
