// One training step at a time, for bench/peers/train_step.py to check and to time against PyTorch.
//
// tinct_train_step PRESET WEIGHTS BATCH OUT: loads WEIGHTS into PRESET, takes x and target from
// BATCH, and writes the loss and every gradient to OUT. Then, for each line on stdin: "step" runs
// forward, loss, backward and Adam and prints the milliseconds; "memory" prints this process's peak
// resident MiB.
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>

#include "layers/loss.h"
#include "models/model.h"
#include "train/optimizer.h"

using namespace tinct;

namespace {

double peak_resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

Value loss_of(const Model& model, const Tensor& x, const Tensor& target) {
  const Mode mode{.training = true};
  return l2_loss(model.forward(Value(x), mode, nullptr), target);
}

void check(const Model& model, const Tensor& x, const Tensor& target, const std::string& path) {
  const Value loss = loss_of(model, x, target);
  NamedTensors out = {{"loss", loss.data()}};
  loss.backward();
  for (const Parameter& p : model.parameters) {
    if (!p.buffer) out.emplace_back("grad." + p.name, p.value.grad());
  }
  write_safetensors(path, out);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::invalid_argument("usage: tinct_train_step PRESET WEIGHTS BATCH OUT");
  Model model = make_model(argv[1], 0);
  load_parameters(SafetensorsFile(argv[2]), model);
  const SafetensorsFile batch(argv[3]);
  const Tensor x = batch.load("x");
  const Tensor target = batch.load("target");
  check(model, x, target, argv[4]);

  OptimizerOptions options;
  options.name = "adam";
  Optimizer optimizer(options, model.parameters);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "memory") {
      std::cout << peak_resident_mib() << std::endl;
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    optimizer.clear_gradients();
    loss_of(model, x, target).backward();
    optimizer.step(1);
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    std::cout << ms.count() << std::endl;
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << "tinct_train_step: " << e.what() << '\n';
  return 1;
}
