// The training loop.
#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/error.h"
#include "core/file.h"
#include "layers/cast.h"
#include "train/plot.h"
#include "train/predict.h"

namespace tinct {
namespace {

constexpr int kFailedSaves = 3;  // in a row, before a run gives up

const std::vector<std::string> kColumns = {"loss",
                                           "lr",
                                           "grad_norm",
                                           "ms",
                                           "starved_ms",
                                           "img_s",
                                           "epoch",
                                           "val_mse_ab",
                                           "val_mse_grey",
                                           "val_mse_mean",
                                           "val_ratio",
                                           "val_colourfulness",
                                           "val_colour_ratio"};

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The first samples of a batch's tensor, on the host.
Tensor first_samples(const Tensor& whole, std::size_t most) {
  const Tensor t = whole.to(Device::cpu);
  const Shape s = t.shape();
  Tensor out({std::min(s.n, most), s.h, s.w, s.c});
  std::copy_n(t.f32(), out.size(), out.f32());
  return out;
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Learner& learner, TrainSources sources, RunFolder& run,
                 TrainHooks hooks)
    : config_(config),
      learner_(learner),
      sources_(std::move(sources)),
      run_(run),
      hooks_(std::move(hooks)),
      log_(run.path(), run.start() ? run.start()->step : 0, kColumns),
      tensorboard_(run.path()) {
  if (!run.start()) return;
  learner_.restore(*run.start());
  saved_step_ = learner_.steps();
  tensorboard_.add_restart(learner_.steps() + 1);
}

TrainOutcome Trainer::run() {
  outcome_ = {learner_.steps(), false, std::numeric_limits<double>::quiet_NaN(), learner_.best, {}};
  if (saved_step_ > 0) {  // a kill may have come between a checkpoint and what stands beside it
    save_last();
    write_curves();
  }
  try {
    loop();
  } catch (const NumericError& error) {
    log_failure(error);
    throw;
  } catch (const OutOfMemory& error) {
    // Batch norm's running figures may be half a step ahead: nothing can be saved now.
    throw OutOfMemory("step " + std::to_string(learner_.steps() + 1) + ": " + error.what() +
                      (saved_step_ > 0 ? "; the checkpoint of step " + std::to_string(saved_step_) +
                                             " stays (--resume goes on from it)"
                                       : std::string()));
  }
  outcome_.step = learner_.steps();
  outcome_.finished = learner_.steps() >= config_.train.steps;
  outcome_.best = learner_.best;
  return outcome_;
}

void Trainer::loop() {
  while (learner_.steps() < config_.train.steps) {
    warnings_.clear();
    StepReport report = take_step();
    const bool final = learner_.steps() == config_.train.steps;
    if (final || due(config_.train.validate_every)) validate_now(report);
    if (final || due(config_.train.sample_every)) write_samples();
    write_log(report);
    if (hooks_.on_step) hooks_.on_step(report);
    const Request request = hooks_.poll ? hooks_.poll() : Request::none;
    const bool stop = final || request == Request::stop;
    if (stop || request == Request::checkpoint || due(config_.train.checkpoint_every)) save(stop);
    if (stop) break;
  }
}

bool Trainer::due(long every) const {
  return every > 0 && learner_.steps() % every == 0;
}

Trainer::Fetched Trainer::fetch(long step) {
  Fetched fetched;
  const auto first = static_cast<std::uint64_t>(step * config_.train.accumulate);
  for (long i = 0; i < config_.train.accumulate; ++i) {
    fetched.batches.push_back(
        learner_.develop(sources_.batches(first + static_cast<std::uint64_t>(i))));
    fetched.inputs.push_back(learner_.prepare(fetched.batches.back()));
  }
  return fetched;
}

StepReport Trainer::take_step() {
  const Clock::time_point start = Clock::now();
  StepReport report;
  const long step = learner_.steps();
  const Fetched now = ahead_ ? *std::exchange(ahead_, std::nullopt) : fetch(step);
  const std::vector<Batch>& batches = now.batches;
  std::size_t images = 0;
  for (const Batch& batch : batches) {
    report.starved_ms += batch.starved_ms;
    images += batch.lightness.shape().n;
  }
  report.result = learner_.step(now.inputs, [&] {
    if (learner_.device() != Device::cpu && step + 1 < config_.train.steps)
      ahead_ = fetch(step + 1);
  });
  report.step = learner_.steps();
  report.ms = milliseconds_since(start);
  report.images_per_second = static_cast<double>(images) / report.ms * 1000;
  outcome_.loss = report.result.loss;
  // Not from the very first step: every network starts out grey.
  if (due(config_.train.health_every) && learner_.steps() >= 2 * config_.train.health_every) {
    check_health(batches.back());
  }
  return report;
}

void Trainer::check_health(const Batch& batch) {
  constexpr std::size_t kSamples = 4;
  const NoGrad no_grad;
  Taps taps;
  const Tensor lightness = first_samples(batch.lightness, kSamples);
  const Model& model = learner_.model();
  const Value x(network_input(lightness).to(learner_.device()));
  const Value output = model.forward(x, Mode{}, &taps);
  std::vector<std::string> complaints = check_activations(taps);
  const std::string colours =
      check_output(decode_head(model, cast(output.data(), DType::f32).to(Device::cpu), lightness),
                   first_samples(batch.ab, kSamples));
  if (!colours.empty()) complaints.push_back(colours);
  for (const std::string& complaint : health_.news(complaints)) warn(complaint);
}

void Trainer::validate_now(StepReport& report) {
  if (!sources_.validation || sources_.validation->size() == 0) return;
  const EmaWeights averaged(learner_.ema());
  try {
    report.validation = validate(learner_.model(), *sources_.validation, sources_.mean_ab);
  } catch (const NumericError& error) {
    throw NumericError("step " + std::to_string(learner_.steps()) +
                       ": validation: " + error.what());
  }
  outcome_.validation = report.validation;
  learner_.schedule().observe(report.validation->mse_ab);
  if (!(report.validation->mse_ab < learner_.best.mse_ab)) return;
  try {
    save_model(run_.file("best.safetensors"), learner_.model(), metadata());
    learner_.best = {report.validation->mse_ab, learner_.steps()};
  } catch (const IoError& error) {
    warn(error.what());
  }
}

void Trainer::write_samples() {
  if (!sources_.validation || sources_.validation->size() == 0 || config_.train.samples == 0)
    return;
  const EmaWeights averaged(learner_.ema());
  const Image sheet = sample_sheet(learner_.model(), *sources_.validation,
                                   static_cast<std::size_t>(config_.train.samples));
  const std::string png = encode_png(sheet);
  tensorboard_.add_image(learner_.steps(), "samples", static_cast<int>(sheet.height),
                         static_cast<int>(sheet.width), png);
  char name[64];
  std::snprintf(name, sizeof name, "samples/step-%08ld.png", learner_.steps());
  try {
    write_file_atomically(run_.file(name), png);
  } catch (const IoError& error) {
    warn(error.what());
  }
}

void Trainer::write_log(const StepReport& report) {
  LogEntry entry{report.step,
                 {{"loss", report.result.loss},
                  {"lr", report.result.lr},
                  {"grad_norm", report.result.grad_norm},
                  {"ms", report.ms},
                  {"starved_ms", report.starved_ms},
                  {"img_s", report.images_per_second}},
                 warnings_};
  if (sources_.epoch_size > 0) {
    const double seen = static_cast<double>(report.step * config_.train.batch) *
                        static_cast<double>(config_.train.accumulate);
    entry.numbers.emplace_back("epoch", seen / static_cast<double>(sources_.epoch_size));
  }
  if (report.validation) {
    const Validation& v = *report.validation;
    for (const auto& number : std::initializer_list<std::pair<std::string, double>>{
             {"val_mse_ab", v.mse_ab},
             {"val_mse_grey", v.mse_grey},
             {"val_mse_mean", v.mse_mean},
             {"val_ratio", v.ratio()},
             {"val_colourfulness", v.colourfulness},
             {"val_colour_ratio", v.colour_ratio()}}) {
      entry.numbers.push_back(number);
    }
  }
  log_.append(entry);
  std::vector<std::pair<std::string, float>> scalars;
  for (const auto& [key, value] : entry.numbers) {
    scalars.emplace_back((key.starts_with("val_") ? "validation/" : "train/") + key,
                         static_cast<float>(value));
  }
  tensorboard_.add_scalars(report.step, scalars);
}

void Trainer::log_failure(const std::exception& error) {
  warnings_.emplace_back(error.what());
  log_.append(
      {learner_.steps() + 1, {{"loss", std::numeric_limits<double>::quiet_NaN()}}, warnings_});
}

void Trainer::save(bool must_succeed) {
  log_.sync();
  if (saved_step_ != learner_.steps()) {
    for (const Parameter& p : learner_.model().parameters) {
      if (!all_finite(p.value.data())) {
        throw NumericError("step " + std::to_string(learner_.steps()) + ": " + p.name +
                           " is not finite; nothing was saved");
      }
    }
  }
  try {
    save_checkpoint(run_.checkpoints(), learner_.steps(), learner_.checkpoint_files(metadata()),
                    config_.train.keep);
    save_last();
    write_curves();
    saved_step_ = learner_.steps();
    failed_saves_ = 0;
  } catch (const IoError& error) {
    if (must_succeed || ++failed_saves_ >= kFailedSaves) throw;
    warn(std::string("no checkpoint was saved, training goes on: ") + error.what());
  }
}

void Trainer::save_last() {
  const EmaWeights averaged(learner_.ema());
  save_model(run_.file("last.safetensors"), learner_.model(), metadata());
}

Metadata Trainer::metadata() const {
  Metadata metadata = sources_.metadata;
  metadata["step"] = std::to_string(learner_.steps());
  return metadata;
}

void Trainer::write_curves() {
  const std::string log = run_.file("log.jsonl");
  std::vector<Panel> panels = {{"training loss", {read_log(log, "loss"), true}}};
  auto validation = read_log(log, "val_mse_ab");
  if (!validation.empty()) panels.push_back({"validation mse_ab", {std::move(validation), false}});
  save_png(run_.file("loss.png"), plot(panels));
}

void Trainer::warn(const std::string& message) {
  warnings_.push_back(message);
  if (hooks_.on_warning)
    hooks_.on_warning("step " + std::to_string(learner_.steps()) + ": " + message);
}

}  // namespace tinct
