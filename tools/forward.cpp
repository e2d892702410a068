// tinct forward: a network's raw output and activations for a raw input.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/simt/device.h"
#include "layers/cast.h"
#include "models/model.h"
#include "models/vgg16.h"
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
  Computing computing;
  bool taps = false;
  int repeat = 0;
};

// A colorizer or a backbone, as far as raw input and output go.
struct Network {
  std::string name;
  std::size_t channels = 1;  // lightness, or RGB
  std::size_t multiple = 1;
  std::size_t smallest = 1;  // side
  std::function<Value(const Value& x, Taps* taps)> forward;
};

Network vgg16_network(const std::string& path, Device device) {
  Vgg16 net = load_vgg16(path);
  net.freeze();
  Parameters parameters;
  net.collect(parameters, "vgg");
  move_to(parameters, device);
  Network out{net.config.arch(), 3, 1, kVggSmallestSide, {}};
  out.forward = [net = std::move(net)](const Value& x, Taps* taps) {
    const VggTaps activations = net(x);
    for (std::size_t i = 0; taps != nullptr && i < activations.size(); ++i) {
      taps->emplace_back(kVggTapNames[i], activations[i].data());
    }
    return activations.back();
  };
  return out;
}

Network load_network(const std::string& path, Device device) {
  if (!backbone_arch(SafetensorsFile(path)).empty()) return vgg16_network(path, device);
  Model model = load_model(path);
  move_to(model.parameters, device);
  Network out{model.info.preset, 1, model.info.multiple, 1, {}};
  out.forward = [model = std::move(model)](const Value& x, Taps* taps) {
    return model.forward(x, {}, taps);
  };
  return out;
}

// The tensor "x", or the only one.
Tensor tensor_input(const std::string& path) {
  const SafetensorsFile file(path);
  if (file.find("x") == nullptr && file.entries().size() != 1) {
    throw DataError(path + ": has no tensor 'x'");
  }
  Tensor x = file.load(file.find("x") != nullptr ? "x" : file.entries()[0].name);
  if (x.dtype() != DType::f32) throw DataError(path + ": x must hold floating-point numbers");
  if (x.size() == 0) throw DataError(path + ": x is empty");
  return x;
}

Tensor rgb_of(const Image& image) {
  const Image rgb = to_rgb8(image);
  Tensor out({1, rgb.height, rgb.width, 3});
  for (std::size_t i = 0; i < out.size(); ++i) {
    out.f32()[i] = static_cast<float>(rgb.pixels[i]) / 255.0f;
  }
  return out;
}

// A picture as the network takes it, lightness or RGB, resized to --size or to the network's
// multiple.
Tensor picture_input(const Options& o, const Network& network) {
  const Image image = load_image(o.input);
  const auto nearest = [&](std::size_t extent) {
    const std::size_t m = network.multiple;
    return std::max({m, network.smallest, (extent + m / 2) / m * m});
  };
  std::array<std::size_t, 2> size = {nearest(image.height), nearest(image.width)};
  if (!o.size.empty()) size = parse_size(o.size, "--size");
  if (network.channels == 3) return resize(rgb_of(image), size[0], size[1]);
  return network_input(resize(lightness_of(image), size[0], size[1]));
}

void check_input(const Tensor& x, const Network& network, const std::string& path) {
  const Shape& s = x.shape();
  if (s.c == network.channels && s.h % network.multiple == 0 && s.w % network.multiple == 0 &&
      s.h >= network.smallest && s.w >= network.smallest) {
    return;
  }
  throw DataError(path + ": x is " + to_string(s) + "; " + network.name + " takes (n,h,w," +
                  std::to_string(network.channels) + ") with h and w " +
                  (network.multiple > 1 ? "multiples of " + std::to_string(network.multiple)
                                        : "of at least " + std::to_string(network.smallest)));
}

std::vector<double> time_runs(const Network& network, const Value& x, int count) {
  std::vector<double> times;
  Progress progress("timing", static_cast<std::size_t>(count), "runs");
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    network.forward(x, nullptr);
    if (x.device() == Device::gpu) device::synchronize();
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
            const std::vector<double>& times, Device device) {
  if (common().json) {
    nlohmann::json shapes = nlohmann::json::object();
    for (const auto& [name, tensor] : outputs) shapes[name] = extents(tensor.shape());
    nlohmann::json json = {{"model", path},
                           {"input", extents(x.shape())},
                           {"output", o.output},
                           {"outputs", shapes},
                           {"peak_bytes", memory_use(device).peak}};
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

void run(const Options& o, Device device) {
  const std::string path = find_model(o.model);
  const Network network = load_network(path, device);
  const bool picture = has_image_extension(o.input);
  if (!picture && !o.size.empty()) throw std::invalid_argument("--size is for pictures alone");
  const Tensor x = picture ? picture_input(o, network) : tensor_input(o.input);
  check_input(x, network, o.input);

  const NoGrad no_grad;
  const Value input{x.to(device)};
  Taps taps;
  const Value y = network.forward(input, o.taps ? &taps : nullptr);  // also the warm-up
  NamedTensors outputs = {{"y", cast(y.data(), DType::f32).to(Device::cpu)}};
  if (picture) outputs.emplace_back("x", x);
  for (const auto& tap : taps)
    outputs.emplace_back(tap.first, cast(tap.second, DType::f32).to(Device::cpu));
  if (!o.output.empty()) {
    write_safetensors(o.output, outputs, {{"model", path}, {"preset", network.name}});
  }
  report(o, path, x, outputs, time_runs(network, input, o.repeat), device);
}

}  // namespace

void add_forward(CLI::App& app) {
  Verb verb =
      add_verb(app, "forward", "Run a network on a raw tensor or a picture and keep its raw output",
               {"tinct forward --model small --input photo.jpg -o activations.safetensors --taps",
                "tinct forward --model vgg16.safetensors --input photo.jpg -o y.safetensors --taps",
                "tinct forward --model best.safetensors --input x.safetensors --repeat 20 --json"});
  auto o = std::make_shared<Options>();
  verb.add_option("--model", o->model, "A weights file, or a shipped model's name")
      .required()
      .type_name("FILE|NAME");
  verb.add_option("--input", o->input,
                  "A safetensors file with x, (n,h,w,1) lightness as (L - 50) / 50 (for a backbone "
                  "(n,h,w,3) RGB in 0..1), or a picture")
      .required()
      .type_name("FILE");
  verb.add_option("-o,--output", o->output, "Where y, and with --taps every activation, goes")
      .type_name("FILE");
  verb.add_option("--size", o->size, "Resize a picture to this").type_name("HxW");
  add_computing_options(verb, o->computing);
  verb.add_flag("--taps", o->taps, "Also write the activations, by layer name");
  verb.add_option("--repeat", o->repeat, "Run so often after a warm-up and print min and median")
      .range(1, 1000000)
      .type_name("N");
  verb.callback([o] {
    if (o->output.empty() && o->repeat == 0) {
      throw std::invalid_argument("forward: give -o FILE, --repeat N or both");
    }
    const Device device = begin_computing(o->computing);
    advising_on_memory(device, "a smaller --size needs less", [&] { run(*o, device); });
  });
}

}  // namespace tinct
