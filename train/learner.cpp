// A training step, and the learner's state as checkpoint files.
#include "train/learner.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "train/chroma.h"
#include "train/health.h"

namespace tinct {
namespace {

constexpr const char* kModel = "model.safetensors";
constexpr const char* kEma = "ema.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";

std::size_t bytes_of(const NamedTensors& tensors) {
  std::size_t bytes = 0;
  for (const auto& named : tensors) bytes += named.second.bytes();
  return bytes;
}

// JSON has no infinity: null stands for it.
nlohmann::json or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}
double or_infinity(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::infinity() : value.get<double>();
}

}  // namespace

Learner::Learner(const TrainConfig& config, Model model, Tensor class_weights, Device device)
    : config_(config),
      model_((move_to(model.parameters, device), std::move(model))),
      objective_(config.loss, model_.info, std::move(class_weights)),
      optimizer_(optimizer_options(config), model_.parameters),
      schedule_(schedule_options(config)),
      device_(device),
      upload_(device) {
  objective_.move_to(device);
  if (config.train.ema > 0) ema_ = std::make_unique<Ema>(config.train.ema, model_.parameters);
}

StepInput Learner::prepare(const Batch& given) {
  const Batch batch = develop(given);
  const Shape s = batch.lightness.shape();
  const std::size_t stride = model_.info.head == Head::binned ? model_.info.head_stride : 1;
  return {training_input(model_.info, batch), objective_.target(batch, s.h / stride, s.w / stride)};
}

StepResult Learner::step(const std::vector<Batch>& batches) {
  std::vector<StepInput> inputs;
  for (const Batch& batch : batches) inputs.push_back(prepare(batch));
  return step(inputs);
}

StepResult Learner::step(const std::vector<StepInput>& inputs,
                         const std::function<void()>& meanwhile) {
  StepResult result;
  const double scale = 1 / static_cast<double>(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.loss += add_gradients(inputs[i], i) * scale;
  }
  if (meanwhile) meanwhile();
  result.grad_norm = optimizer_.gradient_norm(scale);
  if (!std::isfinite(result.grad_norm)) {
    fail("the gradient is not finite", inputs.back(), inputs.size() - 1);
  }
  const double factor = schedule_.factor(steps_);
  result.lr = config_.optim.lr * factor;
  optimizer_.step(factor, scale * clip_factor(result.grad_norm, config_.train.clip));
  optimizer_.clear_gradients();
  if (ema_) ema_->update();
  ++steps_;
  return result;
}

Mode Learner::mode_of(std::size_t index) const {
  return {true, static_cast<std::uint64_t>(config_.seed),
          static_cast<std::uint64_t>(steps_ * config_.train.accumulate) + index};
}

double Learner::add_gradients(const StepInput& input, std::size_t index) {
  const Value x(input.input);
  const Mode mode = mode_of(index);
  const Value output =
      cache_ ? model_.forward_from(x, (*cache_)(x), mode) : model_.forward(x, mode, nullptr);
  Value loss = objective_(output, input.target);
  const double value = loss.data().f32()[0];
  if (!std::isfinite(value)) fail("the loss is not finite", input, index);
  loss.backward();
  return value;
}

void Learner::fail(const std::string& what, const StepInput& input, std::size_t index) {
  const std::string place = find_nonfinite(model_, Value(input.input), mode_of(index));
  throw NumericError("step " + std::to_string(steps_ + 1) + ": " + what + "; " +
                     (place.empty() ? "activations, weights and gradients are" : place));
}

std::vector<CheckpointFile> Learner::checkpoint_files(const Metadata& metadata) {
  const NamedTensors optimizer = optimizer_.state();
  const ScheduleState& schedule = schedule_.state();
  const nlohmann::json state = {
      {"step", steps_},
      {"optimizer", {{"name", config_.optim.name}, {"steps", optimizer_.steps()}}},
      {"ema_updates", ema_ ? ema_->updates() : 0},
      {"schedule",
       {{"factor", schedule.factor},
        {"best", or_null(schedule.best)},
        {"waited", schedule.waited}}},
      {"best", {{"mse_ab", or_null(best.mse_ab)}, {"step", best.step}}}};
  std::vector<CheckpointFile> files = {
      {kModel, weight_bytes(),
       [this, metadata](const std::string& path) { save_model(path, model_, metadata); }},
      {kOptimizer, bytes_of(optimizer),
       [optimizer](const std::string& path) {
         write_safetensors(path, optimizer, {{"format", "pt"}});
       }},
      {kState, 4096, [text = state.dump(1) + "\n"](const std::string& path) {
         write_file_atomically(path, text);
       }}};
  if (ema_) {
    const NamedTensors averages = ema_->state();
    files.push_back({kEma, bytes_of(averages), [averages](const std::string& path) {
                       write_safetensors(path, averages, {{"format", "pt"}});
                     }});
  }
  return files;
}

void Learner::restore(const Checkpoint& checkpoint) {
  const std::string folder = checkpoint.path + "/";
  try {
    const auto state = nlohmann::json::parse(read_file(folder + kState, 1 << 20));
    const std::string optimizer = state.at("optimizer").at("name");
    if (optimizer != config_.optim.name) {
      throw WeightsError(checkpoint.path + ": its optimizer is " + optimizer + ", not " +
                         config_.optim.name);
    }
    load_parameters(SafetensorsFile(folder + kModel), model_);
    optimizer_.restore(SafetensorsFile(folder + kOptimizer).load_all(),
                       state.at("optimizer").at("steps").get<long>());
    const long updates = state.at("ema_updates");
    if (ema_ && updates > 0) {
      ema_->restore(SafetensorsFile(folder + kEma).load_all(), updates);
    } else if (ema_) {
      ema_ = std::make_unique<Ema>(config_.train.ema, model_.parameters);
    }
    const auto& schedule = state.at("schedule");
    schedule_.restore({schedule.at("factor").get<double>(), or_infinity(schedule.at("best")),
                       schedule.at("waited").get<long>()});
    best = {or_infinity(state.at("best").at("mse_ab")), state.at("best").at("step").get<long>()};
    steps_ = state.at("step").get<long>();
  } catch (const nlohmann::json::exception& e) {
    throw WeightsError(folder + kState + ": " + e.what());
  }
}

std::size_t Learner::weight_bytes() const {
  std::size_t bytes = 0;
  for (const Parameter& p : model_.parameters) bytes += p.value.data().bytes();
  return bytes;
}

std::size_t Learner::state_bytes() const {
  std::size_t gradients = 0;
  for (const Parameter& p : model_.parameters) {
    if (!p.buffer && p.value.requires_grad()) gradients += p.value.data().bytes();
  }
  return gradients + optimizer_.bytes() + (ema_ ? weight_bytes() : 0);
}

}  // namespace tinct
