// tinct forward: a network's raw output and activations for a raw input.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/memory.h"
#include "models/model.h"
#include "tools/parse.h"
#include "tools/progress.h"
#include "tools/shipped.h"
#include "tools/verb.h"
#include "train/colorize.h"
#include "train/image.h"
#include "train/predict.h"
#include "train/resize.h"

namespace tinct {
namespace {

struct Options {
  std::string model, input, output, size;
  bool taps = false;
  int repeat = 0;
};

// The tensor "x", or the only one.
Tensor tensor_input(const std::string& path) {
  const SafetensorsFile file(path);
  if (file.find("x") == nullptr && file.entries().size() != 1) {
    throw DataError(path + ": has no tensor 'x'");
  }
  const Tensor x = file.load(file.find("x") != nullptr ? "x" : file.entries()[0].name);
  if (x.dtype() != DType::f32) throw DataError(path + ": x must hold floating-point numbers");
  if (x.size() == 0) throw DataError(path + ": x is empty");
  return x;
}

// A picture's lightness as the network takes it, resized to --size or to the network's multiple.
Tensor picture_input(const Options& o, std::size_t multiple) {
  const Image image = load_image(o.input);
  const auto nearest = [multiple](std::size_t extent) {
    return std::max(multiple, (extent + multiple / 2) / multiple * multiple);
  };
  std::array<std::size_t, 2> size = {nearest(image.height), nearest(image.width)};
  if (!o.size.empty()) size = parse_size(o.size, "--size");
  return network_input(resize(lightness_of(image), size[0], size[1]));
}

void check_input(const Tensor& x, const ModelInfo& info, const std::string& path) {
  const Shape& s = x.shape();
  if (s.c != 1 || s.h % info.multiple != 0 || s.w % info.multiple != 0) {
    throw DataError(path + ": x is " + to_string(s) + "; " + info.preset +
                    " takes (n,h,w,1) with h and w multiples of " + std::to_string(info.multiple));
  }
}

std::vector<double> time_runs(const Model& model, const Value& x, int count) {
  std::vector<double> times;
  Progress progress("timing", static_cast<std::size_t>(count), "runs");
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    model.forward(x, {}, nullptr);
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    times.push_back(elapsed.count());
    progress.advance();
  }
  std::sort(times.begin(), times.end());
  return times;
}

double median(const std::vector<double>& sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

nlohmann::json extents(const Shape& s) {
  return {s.n, s.h, s.w, s.c};
}

void report(const Options& o, const std::string& path, const Tensor& x, const NamedTensors& outputs,
            const std::vector<double>& times) {
  if (common().json) {
    nlohmann::json shapes = nlohmann::json::object();
    for (const auto& [name, tensor] : outputs) shapes[name] = extents(tensor.shape());
    nlohmann::json json = {{"model", path},
                           {"input", extents(x.shape())},
                           {"output", o.output},
                           {"outputs", shapes},
                           {"peak_bytes", memory_use().peak}};
    if (!times.empty()) {
      json["repeat"] = times.size();
      json["min_ms"] = times.front();
      json["median_ms"] = median(times);
    }
    std::cout << json.dump() << '\n';
    return;
  }
  for (const auto& [name, tensor] : outputs) {
    std::printf("%s %s\n", name.c_str(), to_string(tensor.shape()).c_str());
  }
  if (!times.empty()) {
    std::printf("min_ms %.3f\nmedian_ms %.3f\n", times.front(), median(times));
  }
}

void run(const Options& o) {
  const std::string path = find_model(o.model);
  const Model model = load_model(path);
  const bool picture = has_image_extension(o.input);
  if (!picture && !o.size.empty()) throw std::invalid_argument("--size is for pictures alone");
  const Tensor x = picture ? picture_input(o, model.info.multiple) : tensor_input(o.input);
  check_input(x, model.info, o.input);

  const NoGrad no_grad;
  const Value input{x};
  Taps taps;
  const Value y = model.forward(input, {}, o.taps ? &taps : nullptr);  // also the warm-up
  NamedTensors outputs = {{"y", y.data()}};
  if (picture) outputs.emplace_back("x", x);
  for (auto& tap : taps) outputs.push_back(std::move(tap));
  if (!o.output.empty()) {
    write_safetensors(o.output, outputs, {{"model", path}, {"preset", model.info.preset}});
  }
  report(o, path, x, outputs, time_runs(model, input, o.repeat));
}

}  // namespace

void add_forward(CLI::App& app) {
  CLI::App* verb =
      add_verb(app, "forward", "Run a network on a raw tensor or a picture and keep its raw output",
               {"tinct forward --model small --input photo.jpg -o activations.safetensors --taps",
                "tinct forward --model best.safetensors --input x.safetensors --repeat 20 --json"});
  auto o = std::make_shared<Options>();
  verb->add_option("--model", o->model, "A weights file, or a shipped model's name")
      ->required()
      ->type_name("FILE|NAME");
  verb->add_option("--input", o->input,
                   "A safetensors file with x (n,h,w,1), lightness as (L - 50) / 50, or a picture")
      ->required()
      ->type_name("FILE");
  verb->add_option("-o,--output", o->output, "Where y, and with --taps every activation, goes")
      ->type_name("FILE");
  verb->add_option("--size", o->size, "Resize a picture to this")->type_name("HxW");
  verb->add_flag("--taps", o->taps, "Also write the activations, by layer name");
  verb->add_option("--repeat", o->repeat, "Run so often after a warm-up and print min and median")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  verb->callback([o] {
    if (o->output.empty() && o->repeat == 0) {
      throw std::invalid_argument("forward: give -o FILE, --repeat N or both");
    }
    run(*o);
  });
}

}  // namespace tinct
