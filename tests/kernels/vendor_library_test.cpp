// Shared libraries opened at run time: where they are looked for, and what is said when they are
// not there.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "kernels/vendor/library.h"

namespace tinct::vendor {
namespace {

namespace fs = std::filesystem;

// Sets TINCT_CUDA_LIBRARIES while it lives.
struct Setting {
  explicit Setting(const std::string& value) {
    if (const char* now = std::getenv(kName)) before = now;
    setenv(kName, value.c_str(), 1);
  }
  ~Setting() { before.empty() ? unsetenv(kName) : setenv(kName, before.c_str(), 1); }
  static constexpr const char* kName = "TINCT_CUDA_LIBRARIES";
  std::string before;
};

// A folder as Python's site-packages, with the C library's mathematics under another name.
struct Packages {
  Packages() : folder(fs::temp_directory_path() / ("tinct-vendor-" + std::to_string(getpid()))) {
    fs::create_directories(folder / "nvidia" / "pi" / "lib");
    fs::create_symlink(mathematics(), folder / "nvidia" / "pi" / "lib" / kName);
  }
  ~Packages() { fs::remove_all(folder); }
  static fs::path mathematics() {
    for (const char* place :
         {"/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/lib"}) {
      if (fs::exists(fs::path(place) / "libm.so.6")) return fs::path(place) / "libm.so.6";
    }
    return "libm.so.6";
  }
  static constexpr const char* kName = "libtinct-vendor-test.so.1";
  fs::path folder;
};

TEST_CASE("a library is found where the loader looks, and its functions by name") {
  const Setting setting("");
  Library library("libm.so.6");
  REQUIRE(library.problem() == "");
  const auto cosine = library.function<double (*)(double)>("cos");
  REQUIRE(cosine != nullptr);
  CHECK(cosine(0) == 1);
  CHECK(library.function<void (*)()>("tinct_no_such_function") == nullptr);
  CHECK(library.problem() == "libm.so.6 has no tinct_no_such_function");
}

TEST_CASE("a library is found in a Python package's folder") {
  const Packages packages;
  {
    const Setting setting("/nowhere:" + packages.folder.string());
    Library library(Packages::kName, {"libtinct-no-such-companion.so"});
    CHECK(library.problem() == "");
    CHECK(library.function<double (*)(double)>("sin") != nullptr);
  }
}

TEST_CASE("a library that is not there is a problem in one line") {
  for (const char* value : {"", "/nowhere", "none"}) {
    const Setting setting(value);
    INFO(value);
    Library library("libtinct-no-such-library.so.9");
    CHECK(library.problem().find("libtinct-no-such-library.so.9") != std::string::npos);
    CHECK(library.problem().find("TINCT_CUDA_LIBRARIES") != std::string::npos);
    CHECK(library.problem().find('\n') == std::string::npos);
    CHECK(library.function<void (*)()>("anything") == nullptr);
  }
  const Setting setting("none");
  CHECK(Library("libm.so.6").problem() != "");
}

}  // namespace
}  // namespace tinct::vendor
