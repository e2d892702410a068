// Training steps on a device, for bench/peers/gpu_train_step.py to check and to time against
// PyTorch.
//
// tinct_gpu_train_step PRESET WEIGHTS BATCH OUT [--device gpu|sim|cpu] [--precision f32|tf32|bf16]
//                      [--width-divisor N]
// writes the weights that it draws to WEIGHTS, takes x and target from BATCH, and writes the loss
// and every gradient to OUT. Then, for each line on stdin: "steps N" runs forward, squared error,
// backward and Adam N times and prints the milliseconds of one; "memory" prints the peak MiB of
// device memory.
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/error.h"
#include "core/simt/device.h"
#include "layers/loss.h"
#include "layers/precision.h"
#include "models/model.h"
#include "train/optimizer.h"

using namespace tinct;

namespace {

struct Arguments {
  std::string preset, weights, batch, out;
  std::string device = "gpu", precision = "f32";
  std::size_t width_divisor = 1;  ///< of the backbone: narrow ones for the simulator
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("--", 0) != 0) {
      files.push_back(argument);
      continue;
    }
    if (i + 1 == argc) throw std::invalid_argument(argument + " needs a value");
    const std::string value = argv[++i];
    if (argument == "--device") {
      a.device = value;
    } else if (argument == "--precision") {
      a.precision = value;
    } else if (argument == "--width-divisor") {
      a.width_divisor = std::stoul(value);
    } else {
      throw std::invalid_argument("unknown option " + argument);
    }
  }
  if (files.size() != 4) {
    throw std::invalid_argument(
        "usage: tinct_gpu_train_step PRESET WEIGHTS BATCH OUT [--device gpu|sim|cpu] "
        "[--precision f32|tf32|bf16] [--width-divisor N]");
  }
  a.preset = files[0], a.weights = files[1], a.batch = files[2], a.out = files[3];
  return a;
}

// Its decoder reads all taps that the preset reads; nothing is dropped, so that PyTorch can follow.
Model make(const Arguments& a) {
  ModelOptions options;
  options.dropout = 0;
  options.backbone.width_divisor = a.width_divisor;
  return make_model(a.preset, 1, options);
}

class Step {
 public:
  Step(Model model, const SafetensorsFile& batch, Device device)
      : model_((move_to(model.parameters, device), std::move(model))),
        x_(batch.load("x").to(device)),
        target_(batch.load("target").to(device)),
        device_(device),
        optimizer_(adam(), model_.parameters) {}

  void check(const std::string& path) {
    const Value loss = squared_error();
    NamedTensors out = {{"loss", loss.data()}};
    loss.backward();
    for (const Parameter& p : model_.parameters) {
      if (!p.buffer && p.value.has_grad()) {
        out.emplace_back("grad." + p.name, p.value.grad().to(Device::cpu));
      }
    }
    write_safetensors(path, out);
  }

  double milliseconds(int steps) {
    wait();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i) {
      optimizer_.clear_gradients();
      squared_error().backward();
      optimizer_.step(1);
    }
    wait();
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    return ms.count() / steps;
  }

 private:
  static OptimizerOptions adam() {
    OptimizerOptions options;
    options.name = "adam";
    return options;
  }
  Value squared_error() const {
    const Mode mode{.training = true};
    return l2_loss(model_.forward(Value(x_), mode, nullptr), target_);
  }
  void wait() const {
    if (device_ == Device::gpu) device::synchronize();
  }

  Model model_;
  Tensor x_, target_;
  Device device_;
  Optimizer optimizer_;
};

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  const Device device = find_device(a.device);
  Model model = make(a);
  save_model(a.weights, model);
  set_precision(find_precision(a.precision, device));
  Step step(std::move(model), SafetensorsFile(a.batch), device);
  step.check(a.out);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string word;
    int steps = 0;
    words >> word;
    if (word == "memory") {
      std::cout << static_cast<double>(memory_use(device).peak) / (1 << 20) << std::endl;
    } else if (word == "steps" && words >> steps && steps > 0) {
      std::cout << step.milliseconds(steps) << std::endl;
    } else {
      throw std::invalid_argument("not understood: " + line);
    }
  }
  return 0;
} catch (const DeviceError& e) {
  std::cerr << "tinct_gpu_train_step: " << e.what() << '\n';
  return 8;  // tinct's exit code for it
} catch (const std::exception& e) {
  std::cerr << "tinct_gpu_train_step: " << e.what() << '\n';
  return 1;
}
