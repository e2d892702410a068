// tinct_bench [filter] [--json FILE] [--rounds N] [--threads N]: what is fast, against what it
// could be.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/harness.h"
#include "core/file.h"
#include "core/threads.h"

namespace {

using namespace tinct;

nlohmann::json to_json(const bench::Bench& results) {
  nlohmann::json cases = nlohmann::json::array();
  for (const bench::Result& r : results.results()) {
    nlohmann::json sides;
    for (const bench::Measurement& m : r.sides) {
      nlohmann::json side{{"ms", m.seconds * 1e3},
                          {"best_ms", m.best * 1e3},
                          {"ratio", m.seconds / r.sides[0].seconds}};
      if (r.flops > 0) side["gflops"] = r.flops / m.seconds * 1e-9;
      if (r.bytes > 0) side["gbs"] = r.bytes / m.seconds * 1e-9;
      sides[m.side] = side;
    }
    nlohmann::json entry{{"group", r.group}, {"name", r.name}, {"sides", sides}};
    if (r.flops > 0) entry["peak_gflops"] = r.peak_flops * 1e-9;
    if (r.bytes > 0) entry["copy_gbs"] = r.copy_bytes * 1e-9;
    cases.push_back(entry);
  }
  return {{"threads", threads()}, {"simd", bench::simd_name()}, {"cases", cases}};
}

int run(int argc, char** argv) {
  std::string filter, json;
  int rounds = 9;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::printf("usage: tinct_bench [filter] [--json FILE] [--rounds N] [--threads N]\n");
      return 0;
    }
    if (argument.rfind("--", 0) == 0) {
      if (i + 1 == argc) throw std::invalid_argument(argument + " needs a value");
      const std::string value = argv[++i];
      if (argument == "--json") {
        json = value;
      } else if (argument == "--rounds") {
        rounds = std::stoi(value);
      } else if (argument == "--threads") {
        set_threads(std::stoi(value));
      } else {
        throw std::invalid_argument("unknown option " + argument);
      }
    } else {
      filter = argument;
    }
  }
  bench::fma_peak();  // wakes the threads and the clock
  std::printf("%d threads, %s, FMA peak %.0f GFLOP/s, copy %.1f GB/s (read + written)\n", threads(),
              bench::simd_name().c_str(), bench::fma_peak() * 1e-9,
              (bench::copy_bandwidth(), bench::copy_bandwidth()) * 1e-9);
  bench::Bench bench(filter, rounds);
  bench::run_registered(bench);
  bench.print_means();
  if (!json.empty()) write_file_atomically(json, to_json(bench).dump(2) + "\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tinct_bench: %s\n", e.what());
    return 2;
  }
}
