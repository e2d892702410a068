// tinct models: the presets, what they cost to run and to train.
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/memory.h"
#include "layers/count.h"
#include "layers/loss.h"
#include "models/model.h"
#include "tools/parse.h"
#include "tools/progress.h"
#include "tools/verb.h"

namespace tinct {
namespace {

struct Cost {
  PresetInfo preset;
  std::size_t parameters = 0;  ///< trainable numbers
  std::size_t frozen = 0;      ///< of a backbone
  std::size_t buffers = 0;
  std::uint64_t macs = 0;  ///< of one picture forward
  std::size_t training_bytes = 0;
};

// One forward pass counts the arithmetic; one training step on noughts, the memory: parameters,
// gradients, activations and workspaces as allocated, and Adam's two moments for each parameter.
Cost measure(const PresetInfo& preset, Shape x) {
  release_cached_memory();
  reset_memory_peak();
  const std::size_t before = memory_use().in_use;
  Cost cost{preset};
  const Model model = make_model(preset.name, 0);
  for (const Parameter& p : model.parameters) {
    const bool trained = p.value.requires_grad();
    (p.buffer ? cost.buffers : trained ? cost.parameters : cost.frozen) += p.value.data().size();
  }
  if (x.h % model.info.multiple != 0 || x.w % model.info.multiple != 0) {
    throw std::invalid_argument("--size: " + preset.name + " takes heights and widths that are " +
                                "multiples of " + std::to_string(model.info.multiple));
  }
  Mode mode;
  mode.training = true;
  {
    MacCounter counter;
    const Value y = model.forward(Value(Tensor::zeros(x)), mode, nullptr);
    cost.macs = counter.macs() / x.n;
    l2_loss(y, Tensor::zeros(y.shape())).backward();
  }
  cost.training_bytes = memory_use().peak - before + 2 * cost.parameters * sizeof(float);
  return cost;
}

nlohmann::json to_json(const Cost& cost, Shape x) {
  return {{"name", cost.preset.name},
          {"summary", cost.preset.summary},
          {"parameters", cost.parameters},
          {"frozen", cost.frozen},
          {"buffers", cost.buffers},
          {"macs", cost.macs},
          {"training_bytes", cost.training_bytes},
          {"height", x.h},
          {"width", x.w},
          {"batch", x.n}};
}

void list(Shape x) {
  nlohmann::json all = nlohmann::json::array();
  Progress progress("measuring", presets().size(), "presets");
  if (!common().json) {
    std::printf(
        "For %zux%zu: multiply-accumulates of one picture; memory of a training step of "
        "%zu with Adam.\n\n%-18s %12s %12s %12s %12s  %s\n",
        x.h, x.w, x.n, "preset", "parameters", "frozen", "MMAC", "memory", "");
  }
  for (const PresetInfo& preset : presets()) {
    const Cost cost = measure(preset, x);
    progress.advance();
    if (common().json) {
      all.push_back(to_json(cost, x));
      continue;
    }
    std::printf("%-18s %12zu %12zu %12.1f %12s  %s\n", preset.name.c_str(), cost.parameters,
                cost.frozen, static_cast<double>(cost.macs) * 1e-6,
                format_bytes(static_cast<double>(cost.training_bytes)).c_str(),
                preset.summary.c_str());
  }
  if (common().json) std::cout << all.dump(2) << '\n';
}

struct Options {
  std::string size = "128x128";
  int batch = 8;
};

}  // namespace

void add_models(CLI::App& app) {
  Verb verb =
      add_verb(app, "models", "List the presets with parameters, multiply-accumulates and memory",
               {"tinct models", "tinct models --size 256x256 --batch 4 --json"});
  auto o = std::make_shared<Options>();
  verb.add_option("--size", o->size, "Height and width of the pictures")
      .show_default()
      .type_name("HxW");
  verb.add_option("--batch", o->batch, "Pictures in a training step")
      .show_default()
      .range(1, 4096)
      .type_name("N");
  verb.callback([o] {
    const auto [h, w] = parse_size(o->size, "--size");
    list({static_cast<std::size_t>(o->batch), h, w, 1});
  });
}

}  // namespace tinct
