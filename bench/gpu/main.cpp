// tinct_gpu_bench [filter] [--json FILE] [--rounds N] [--commit ID] [--smoke] [--list]: the GPU
// kernels rung by rung, beside cuDNN and cuBLAS, checked against float64.
#include <cstdio>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/gpu/cases.h"
#include "core/error.h"
#include "core/file.h"
#include "core/simt/device.h"
#include "kernels/vendor/libraries.h"

namespace {

using namespace tinct;
using nlohmann::json;

constexpr const char* kUsage =
    "usage: tinct_gpu_bench [filter] [--json FILE] [--rounds N] [--commit ID] [--smoke] [--list]\n"
    "  --smoke  small extents, one round: whether every case runs and agrees with float64\n"
    "  --list   names the cases, for bench/peers/gpu_ops.py, and needs no device\n";

struct Arguments {
  bench::GpuBench::Options options;
  std::string json, commit;
  bool help = false;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] {
      if (i + 1 == argc) throw std::invalid_argument(argument + " needs a value");
      return std::string(argv[++i]);
    };
    if (argument == "--help" || argument == "-h") {
      a.help = true;
    } else if (argument == "--json") {
      a.json = value();
    } else if (argument == "--rounds") {
      a.options.rounds = std::max(1, std::stoi(value()));
    } else if (argument == "--commit") {
      a.commit = value();
    } else if (argument == "--smoke") {
      a.options.smoke = true;
    } else if (argument == "--list") {
      a.options.list = true;
    } else if (argument.rfind("--", 0) == 0) {
      throw std::invalid_argument("unknown option " + argument);
    } else {
      a.options.filter = argument;
    }
  }
  return a;
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&time));
  return text;
}

json to_json(const bench::GpuBench& bench, const bench::GpuResult& r) {
  json sides = json::object();
  for (const bench::GpuMeasurement& m : r.sides) {
    json side{{"ms", m.seconds * 1e3},
              {"best_ms", m.best * 1e3},
              {"error", m.error},
              {"right", m.right},
              {"percent_of_peak", bench.percent_of_peak(r.work, m.seconds)}};
    if (r.work.flops > 0 && m.seconds > 0) side["tflops"] = r.work.flops / m.seconds * 1e-12;
    if (r.work.bytes > 0 && m.seconds > 0) side["gbs"] = r.work.bytes / m.seconds * 1e-9;
    sides[m.side] = side;
  }
  return {{"group", r.work.group}, {"name", r.work.name},   {"precision", r.work.precision},
          {"flops", r.work.flops}, {"bytes", r.work.bytes}, {"sizes", r.work.sizes},
          {"taken", r.taken},      {"sides", sides}};
}

json to_json(const bench::GpuBench& bench, const std::string& commit) {
  json cases = json::array();
  for (const bench::GpuResult& r : bench.results()) cases.push_back(to_json(bench, r));
  json libraries = json::object();
  for (const auto& [name, state] : vendor::libraries()) libraries[name] = state;
  return {{"date", now()}, {"commit", commit}, {"libraries", libraries}, {"cases", cases}};
}

void add_card(json& out, const bench::GpuBench& bench, const bench::CardState& state) {
  const device::Info card = device::info();
  out["card"] = card.name;
  out["multiprocessors"] = card.multiprocessors;
  out["driver"] = state.driver;
  out["clocks"] = state.clocks;
  out["peaks"] = {{"copy_gbs", bench.peaks().copy_bytes * 1e-9},
                  {"fma_f32_tflops", bench.peaks().fma_flops * 1e-12},
                  {"mma_bf16_tflops", bench.peaks().mma_flops * 1e-12}};
}

void run_all(bench::GpuBench& bench) {
  bench::run_convolutions(bench);
  bench::run_transposed_convolutions(bench);
  bench::run_matrix_products(bench);
  bench::run_elementwise(bench);
  bench::run_batch_norm(bench);
  bench::run_pooling(bench);
  bench::run_upsampling(bench);
  bench::run_losses(bench);
  bench::run_colours(bench);
  bench::run_optimizers(bench);
}

void print_peaks(const bench::Peaks& peaks) {
  std::printf("%s", device::info().name.c_str());
  if (peaks.copy_bytes > 0) {
    std::printf(": copy %.0f GB/s (read + written), f32 %.1f TFLOP/s, mma.sync bf16 %.0f TFLOP/s",
                peaks.copy_bytes * 1e-9, peaks.fma_flops * 1e-12, peaks.mma_flops * 1e-12);
  }
  std::printf("\n");
}

std::string whole(const bench::GpuBench& bench, const Arguments& a, const bench::CardState& card) {
  json out = to_json(bench, a.commit);
  if (!a.options.list) add_card(out, bench, card);
  return out.dump(1) + "\n";
}

int run(Arguments a) {
  bench::CardState card;
  if (!a.json.empty() && !a.options.list) {
    a.options.save = [&](const bench::GpuBench& so_far) {
      write_file_atomically(a.json, whole(so_far, a, card));
    };
  }
  bench::GpuBench bench(a.options);
  if (!a.options.list) {
    device::check_usable();
    card = bench::card_state();
    bench.set_peaks(bench::measure_peaks(a.options.smoke));
    print_peaks(bench.peaks());
    for (const auto& [name, state] : vendor::libraries()) {
      std::printf("%s: %s\n", name.c_str(), state.c_str());
    }
  }
  run_all(bench);
  card = bench::card_state();  // the clocks are those under load
  if (!a.json.empty()) {
    write_file_atomically(a.json, whole(bench, a, card));
  } else if (a.options.list) {
    std::printf("%s", whole(bench, a, card).c_str());
  }
  if (bench.wrong() > 0) {
    std::fprintf(stderr, "tinct_gpu_bench: %d results are not within their tolerance\n",
                 bench.wrong());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments a = parse(argc, argv);
    if (a.help) {
      std::printf("%s", kUsage);
      return 0;
    }
    return run(a);
  } catch (const DeviceError& e) {
    std::fprintf(stderr, "tinct_gpu_bench: %s\n", e.what());
    return 8;  // tinct's exit code for it
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tinct_gpu_bench: %s\n", e.what());
    return 2;
  }
}
