// tinct doctor: what tinct was built with, what the machine offers, and whether it computes right.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on
#include <lcms2.h>
#include <png.h>
#include <sys/utsname.h>
#include <zlib.h>

#include <CLI/Version.hpp>
#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/simt/device.h"
#include "core/threads.h"
#include "kernels/cpu_info.h"
#include "kernels/vendor/libraries.h"
#include "tools/progress.h"
#include "tools/self_test.h"
#include "tools/shipped.h"
#include "tools/verb.h"

namespace tinct {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The value of "key: value" or "key value" in a file under /proc; "" when there is none.
std::string field(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const std::size_t at = line.find_first_not_of(" \t:", key.size());
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "";
}

double kib_field(const char* path, const std::string& key) {
  const std::string text = field(path, key);
  return text.empty() ? 0 : std::stod(text) * 1024;
}

// The memory that this process may use: the machine's, or a control group's limit if it is lower.
std::string memory_limit() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::string text;
  if (!(file >> text) || text == "max") return "none";
  return format_bytes(std::stod(text));
}

std::string gpu_kernels() {
  switch (device::backend()) {
    case device::Backend::cuda:
      return "for NVIDIA cards (--device gpu)";
    case device::Backend::simulator:
      return "for the simulator (--device sim)";
    case device::Backend::none:
      return "none";
  }
  return "";
}

// The card, or why there is none, in one line.
std::string graphics_card() {
  if (device::backend() != device::Backend::cuda) return "not used by this build";
  try {
    device::check_usable();
    const device::Info card = device::info();
    return card.name + ", sm_" + std::to_string(card.capability) + ", " +
           format_bytes(static_cast<double>(card.total_bytes)) + ", " +
           format_bytes(static_cast<double>(card.free_bytes)) + " free";
  } catch (const std::exception& error) {
    return error.what();
  }
}

Lines build_lines() {
  return {{"version", TINCT_VERSION},
          {"compiler", "g++ or compatible " __VERSION__},
#ifdef NDEBUG
          {"build", "optimised"},
#else
          {"build", "with assertions"},
#endif
          {"compiled SIMD levels", joined(compiled_simd_levels())},
          {"GPU kernels", gpu_kernels()}};
}

Lines machine_lines() {
  utsname system{};
  uname(&system);
  const std::string model = field("/proc/cpuinfo", "model name");
  return {{"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"processor", model.empty() ? "unknown" : model},
          {"SIMD level", simd_level() + ", " + std::to_string(8 * simd_bytes()) + " bits"},
          {"threads", std::to_string(threads())},
          {"memory", format_bytes(kib_field("/proc/meminfo", "MemTotal")) + ", " +
                         format_bytes(kib_field("/proc/meminfo", "MemAvailable")) + " available"},
          {"memory limit of the control group", memory_limit()},
          {"GPU", graphics_card()}};
}

std::string little_cms_version() {
  const int version = cmsGetEncodedCMMversion();  // 2140 is 2.14
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

#define TINCT_TEXT_OF(x) #x
#define TINCT_TEXT(x) TINCT_TEXT_OF(x)

Lines library_lines() {
  Lines lines = {{"Highway", highway_version()},
                 {"libjpeg-turbo", TINCT_TEXT(LIBJPEG_TURBO_VERSION)},
                 {"libpng", png_get_libpng_ver(nullptr)},
                 {"zlib", zlibVersion()},
                 {"Little CMS", little_cms_version()},
                 {"CLI11", CLI11_VERSION},
                 {"nlohmann-json", TINCT_TEXT(NLOHMANN_JSON_VERSION_MAJOR) "." TINCT_TEXT(
                                       NLOHMANN_JSON_VERSION_MINOR)}};
  const Lines vendors = vendor::libraries();
  lines.insert(lines.end(), vendors.begin(), vendors.end());
  return lines;
}

void print(const char* title, const Lines& lines) {
  std::printf("%s\n", title);
  for (const auto& [name, value] : lines) {
    std::printf("  %-34s %s\n", name.c_str(), value.c_str());
  }
}

nlohmann::json to_json(const Lines& lines) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : lines) json[name] = value;
  return json;
}

void examine() {
  const std::vector<SelfTest> tests = run_self_tests();
  const std::vector<std::string> shipped = shipped_models();
  std::size_t failed = 0;
  for (const SelfTest& test : tests) failed += test.passed() ? 0 : 1;
  if (common().json) {
    nlohmann::json results = nlohmann::json::array();
    for (const SelfTest& test : tests) {
      results.push_back({{"name", test.name},
                         {"error", std::isfinite(test.error) ? nlohmann::json(test.error)
                                                             : nlohmann::json("not finite")},
                         {"tolerance", test.tolerance},
                         {"passed", test.passed()}});
    }
    std::cout << nlohmann::json{{"build", to_json(build_lines())},
                                {"machine", to_json(machine_lines())},
                                {"libraries", to_json(library_lines())},
                                {"shipped_models", shipped},
                                {"self_tests", results},
                                {"ok", failed == 0}}
                     .dump(2)
              << '\n';
  } else {
    print("Build", build_lines());
    print("Machine", machine_lines());
    print("Libraries", library_lines());
    print("Models", {{"shipped", shipped.empty() ? "none found" : joined(shipped)}});
    std::printf("Self-test\n");
    for (const SelfTest& test : tests) {
      std::printf("  %-34s %s  largest error %.2g, tolerance %.2g\n", test.name.c_str(),
                  test.passed() ? "ok    " : "FAILED", test.error, test.tolerance);
    }
  }
  if (failed > 0) {
    throw std::runtime_error(std::to_string(failed) +
                             " self-tests failed: this build computes wrongly on this machine");
  }
}

}  // namespace

void add_doctor(CLI::App& app) {
  Verb verb =
      add_verb(app, "doctor", "Show the build, the machine and the libraries, and test them",
               {"tinct doctor", "tinct doctor --json"});
  verb.callback(examine);
}

}  // namespace tinct
