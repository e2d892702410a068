// tinct train: trains a model on a prepared data set.
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "layers/ab_bins.h"
#include "tools/exit_code.h"
#include "tools/preset_config.h"
#include "tools/progress.h"
#include "tools/verb.h"
#include "train/config.h"
#include "train/feature_cache.h"
#include "train/plan.h"
#include "train/trainer.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string preset, data, out, config, cache;
  Computing computing;
  std::vector<std::string> overrides;
  long overfit = 0;
  bool resume = false, exist_ok = false, dry_run = false, dump_config = false;
};

// ---- signals: the first asks the run to stop, the second ends it at once ----

std::atomic<int> stop_signal{0};
std::atomic<bool> checkpoint_wanted{false};

void on_stop(int signal) {
  if (stop_signal.exchange(signal) != 0) _exit(static_cast<int>(ExitCode::interrupted));
}

void on_checkpoint(int) {
  checkpoint_wanted = true;
}

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup has its way
  action.sa_handler = on_checkpoint;
  sigaction(SIGUSR1, &action, nullptr);
}

Request poll_signals() {
  if (stop_signal != 0) return Request::stop;
  return checkpoint_wanted.exchange(false) ? Request::checkpoint : Request::none;
}

// ---- configuration ----

// Defaults < the preset's file (or, resumed, the run's own) < --config < options < -o.
TrainConfig read_config(const Options& o, bool resumed) {
  TrainConfig config;
  const std::string of_run = o.out + "/config.toml";
  const std::string given = o.config.empty() ? "" : read_file(o.config, 1 << 20);
  if (resumed) {
    apply_toml(config, read_file(of_run, 1 << 20), of_run);
    if (!o.preset.empty() && o.preset != config.preset) {
      throw std::invalid_argument(o.out + " trains " + config.preset + ", not " + o.preset);
    }
  } else {
    TrainConfig named;
    if (!given.empty()) apply_toml(named, given, o.config);
    config.preset = o.preset.empty() ? named.preset : o.preset;
    const std::string preset = config.preset;
    const PresetConfig shipped = find_preset_config(preset);
    apply_toml(config, shipped.text, shipped.path);
    config.preset = preset;
  }
  if (!given.empty()) apply_toml(config, given, o.config);
  if (!o.preset.empty()) config.preset = o.preset;
  if (!o.data.empty()) config.data.path = fs::absolute(o.data).lexically_normal().string();
  if (o.overfit > 0) config.data.overfit = o.overfit;
  for (const std::string& assignment : o.overrides) apply_override(config, assignment);
  return config;
}

// ---- the network ----

// Where tools/fetch-vgg16.sh puts the weights.
std::string default_vgg16() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const fs::path folder =
      data != nullptr && *data != 0 ? fs::path(data) : fs::path(home ? home : "") / ".local/share";
  return folder / "tinct" / "vgg16.safetensors";
}

Tensor configured_bins(const TrainConfig& config, const Dataset& dataset) {
  if (config.model.bins == "grid") return full_grid_bin_table();
  if (config.model.bins == "zhang") return zhang_bin_table();
  return bins_in_use(dataset, dataset.split(Split::train), config.model.bin_share);
}

Model configured_model(const TrainConfig& config, const Dataset& dataset) {
  const PresetInfo& preset = find_preset(config.preset);
  ModelOptions options = model_options(config);
  if (preset.bins_of_data) options.bins = configured_bins(config, dataset);
  if (preset.backbone) {
    options.vgg16 = config.model.vgg16.empty() ? default_vgg16() : config.model.vgg16;
    std::error_code error;
    if (!fs::exists(options.vgg16, error)) {
      throw IoError("preset " + config.preset + " starts from VGG16's weights, and there is no " +
                    options.vgg16 +
                    ": run tools/fetch-vgg16.sh, or name a file that `tinct import "
                    "--arch vgg16` wrote with -o model.vgg16=FILE");
    }
  }
  Model model = make_model(config.preset, static_cast<std::uint64_t>(config.seed), options);
  model.info.chroma_gain = static_cast<float>(config.model.chroma_gain);
  model.info.chroma_lift = static_cast<float>(config.model.chroma_lift);
  model.info.temperature = static_cast<float>(config.model.temperature);
  model.info.train_colourfulness =
      static_cast<float>(mean_colourfulness(dataset, dataset.split(Split::train)));
  return model;
}

// ---- data ----

// What is drawn from a run's data set.
struct Data {
  const Dataset& dataset;
  std::vector<std::size_t> pictures;  // to train on
  std::unique_ptr<Loader> loader;
  std::unique_ptr<ValidationSet> validation;
  TrainSources sources;

  Data(const TrainConfig& config, const Dataset& all, const ModelInfo& info, Device device);
};

Data::Data(const TrainConfig& config, const Dataset& all, const ModelInfo& info, Device device)
    : dataset(all), pictures(dataset.split(Split::train)) {
  const auto size = [](long value) { return static_cast<std::size_t>(value); };
  if (size(config.data.crop) % info.multiple != 0) {
    throw std::invalid_argument("data.crop = " + std::to_string(config.data.crop) +
                                " is not a multiple of " + std::to_string(info.multiple) +
                                ", as preset " + info.preset + " needs");
  }
  const bool overfit = config.data.overfit > 0;
  if (overfit && size(config.data.overfit) < pictures.size()) {
    pictures.resize(size(config.data.overfit));
  }
  LoaderOptions options;
  options.batch = size(config.train.batch);
  options.augment = {size(config.data.crop), config.data.scale_min, config.data.scale_max,
                     config.data.flip, false};
  if (overfit) options.augment = AugmentOptions::none(size(config.data.crop));
  options.fixed_crops = size(config.data.fixed_crops);
  options.seed = static_cast<std::uint64_t>(config.seed);
  options.source_power = config.data.source_power;
  options.threads = static_cast<int>(config.data.workers);
  options.prefetch = size(config.data.prefetch);
  options.pictures = pictures;
  options.raw = device != Device::cpu;
  loader = std::make_unique<Loader>(dataset, options);
  // An overfitted model is judged on the very squares that it was trained on.
  validation =
      std::make_unique<ValidationSet>(dataset, overfit ? pictures : dataset.split(Split::val),
                                      size(overfit ? config.data.crop : config.train.validate_size),
                                      size(config.train.validate_pictures), overfit);
  sources.batches = [this](std::uint64_t index) { return loader->next(index); };
  sources.epoch_size = loader->epoch_size();
  sources.validation = validation.get();
  sources.mean_ab = mean_ab(dataset, pictures);
  char fingerprint[17];
  std::snprintf(fingerprint, sizeof fingerprint, "%016llx",
                static_cast<unsigned long long>(dataset.fingerprint()));
  const std::string name = fs::path(config.data.path).filename().string();
  sources.metadata = {{"command", command_line(config, name)},
                      {"data", name},
                      {"data_fingerprint", fingerprint},
                      {"data_pictures", std::to_string(pictures.size())},
                      {"seed", std::to_string(config.seed)},
                      {"weights", config.train.ema > 0 ? "moving average" : "last step"},
                      {"tinct_version", TINCT_VERSION}};
  if (!config.about.licence.empty()) sources.metadata["licence"] = config.about.licence;
  if (!config.about.origin.empty()) sources.metadata["origin"] = config.about.origin;
}

// ---- what frozen layers answer, kept ----

/// How many samples there are to keep; 0: nothing is kept.
std::size_t samples_to_keep(const Options& o, const TrainConfig& config, const Model& model,
                            const Data& data) {
  const bool fixed = config.data.fixed_crops > 0;
  if (fixed && model.frozen) {
    return data.pictures.size() *
           static_cast<std::size_t>(config.data.overfit > 0 ? 1 : config.data.fixed_crops);
  }
  if (o.cache.empty()) return 0;
  throw std::invalid_argument("--cache: " +
                              (fixed ? "nothing of " + config.preset + " is frozen"
                                     : "data.fixed_crops must be set: other crops in every epoch "
                                       "are never seen twice"));
}

std::string cache_path(const Options& o) {
  return (o.cache.empty() ? o.out : o.cache) + "/" + kCacheName;
}

/// One in the run's own folder goes when the run is finished.
void remove_cache(const Options& o) {
  std::error_code ignored;
  if (o.cache.empty()) fs::remove(cache_path(o), ignored);
}

// ---- reporting ----

std::string figures(const StepReport& report, double loss) {
  char text[160];
  std::snprintf(text, sizeof text, "loss %.5f  %.1f images/s  starved %.0f %%", loss,
                report.images_per_second, 100 * report.starved_ms / std::max(report.ms, 1e-9));
  return text;
}

void report_validation(const StepReport& report) {
  const Validation& v = *report.validation;
  char text[240];
  std::snprintf(text, sizeof text,
                "step %ld: validation mse_ab %.2f (grey %.2f, mean colour %.2f, ratio %.3f), "
                "colourfulness %.2f of %.2f",
                report.step, v.mse_ab, v.mse_grey, v.mse_mean, v.ratio(), v.colourfulness,
                v.colourfulness_true);
  say(text);
}

nlohmann::json to_json(const Validation& v) {
  return {
      {"pictures", v.pictures},          {"mse_ab", v.mse_ab}, {"mse_grey", v.mse_grey},
      {"mse_mean", v.mse_mean},          {"ratio", v.ratio()}, {"colourfulness", v.colourfulness},
      {"colour_ratio", v.colour_ratio()}};
}

nlohmann::json or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

void report_outcome(const Options& o, const TrainOutcome& outcome) {
  if (common().json) {
    nlohmann::json json = {{"run", o.out},
                           {"step", outcome.step},
                           {"finished", outcome.finished},
                           {"loss", or_null(outcome.loss)},
                           {"best_mse_ab", or_null(outcome.best.mse_ab)},
                           {"best_step", outcome.best.step},
                           {"last", o.out + "/last.safetensors"}};
    if (outcome.validation) json["validation"] = to_json(*outcome.validation);
    std::cout << json.dump(2) << '\n';
    return;
  }
  const char* state = outcome.finished ? "finished" : "stopped and saved";
  std::cout << state << " at step " << outcome.step << ": " << o.out << "/last.safetensors";
  if (outcome.best.step > 0) {
    std::cout << "; best (mse_ab " << outcome.best.mse_ab << ", step " << outcome.best.step
              << "): " << o.out << "/best.safetensors";
  }
  std::cout << '\n';
}

void report_plan(const TrainConfig& config, const Plan& p) {
  const double total = p.step_ms * static_cast<double>(config.train.steps) / 1000;
  if (common().json) {
    std::cout << nlohmann::json{{"preset", config.preset},
                                {"parameters", p.parameters},
                                {"weight_bytes", p.weight_bytes},
                                {"state_bytes", p.state_bytes},
                                {"sample_bytes", p.sample_bytes},
                                {"predicted_peak_bytes", p.predicted_peak},
                                {"measured_peak_bytes", p.measured_peak},
                                {"cache_bytes", p.cache_bytes},
                                {"step_ms", p.step_ms},
                                {"steps", config.train.steps},
                                {"seconds", total}}
                     .dump(2)
              << '\n';
    return;
  }
  const auto bytes = [](std::size_t n) { return format_bytes(static_cast<double>(n)); };
  std::cout << "preset       " << config.preset << "\n"
            << "parameters   " << p.parameters << " (" << bytes(p.weight_bytes) << ")\n"
            << "memory       " << bytes(p.state_bytes) << " gradients and optimizer, "
            << bytes(p.sample_bytes) << " a sample\n"
            << "             " << bytes(p.predicted_peak) << " predicted, "
            << bytes(p.measured_peak) << " measured at the peak of a step\n"
            << "batch        " << config.train.batch << " x " << config.train.accumulate
            << " samples of " << config.data.crop << "x" << config.data.crop << "\n"
            << "one step     " << p.step_ms << " ms" << (p.cache_bytes ? ", without the cache" : "")
            << "\n";
  if (p.cache_bytes > 0) {
    std::cout << "cache        " << bytes(p.cache_bytes) << " on disk for " << p.cache_samples
              << " samples\n";
  }
  std::cout << "whole run    " << config.train.steps << " steps, about " << format_duration(total)
            << "\n";
}

// ---- running ----

TrainHooks make_hooks(Progress& progress) {
  TrainHooks hooks;
  hooks.on_step = [&progress, loss = -1.0](const StepReport& report) mutable {
    loss = loss < 0 ? report.result.loss : 0.95 * loss + 0.05 * report.result.loss;
    progress.note(figures(report, loss));
    progress.advance();
    if (report.validation) report_validation(report);
  };
  hooks.on_warning = [](const std::string& message) { warn(message); };
  hooks.poll = poll_signals;
  return hooks;
}

void announce(const Options& o, const TrainConfig& config, const RunFolder& run, bool had_config,
              const std::string& fingerprint) {
  for (const std::string& damaged : run.damaged()) warn("skipped a damaged checkpoint: " + damaged);
  if (!o.resume) return;
  if (!run.start()) {
    say(o.out + ": nothing was saved yet, starting afresh");
    return;
  }
  say(o.out + ": going on from step " + std::to_string(run.start()->step));
  const SafetensorsFile weights(run.start()->path + "/model.safetensors");
  const auto then = weights.metadata().find("data_fingerprint");
  if (then != weights.metadata().end() && then->second != fingerprint) {
    warn("the data set is not the one this run began with: " + config.data.path);
  }
  if (!had_config) return;
  TrainConfig before;
  const std::string path = run.file("config.toml");
  apply_toml(before, read_file(path, 1 << 20), path);
  for (const std::string& change : differences(before, config)) say("changed " + change);
}

void dry_run(const Options& o, const TrainConfig& config, Device device) {
  const Dataset dataset(config.data.path);
  Model model = configured_model(config, dataset);
  Data data(config, dataset, model.info, device);
  const Tensor weights = class_weights(config, model.info, data.dataset, data.pictures);
  Learner learner(config, std::move(model), weights, device);
  Plan plan = make_plan(config, learner, data.sources);
  if (const std::size_t samples = samples_to_keep(o, config, learner.model(), data)) {
    plan.cache_samples = samples;
    plan.cache_bytes =
        cache_bytes(learner.model(), static_cast<std::size_t>(config.data.crop), samples);
  }
  report_plan(config, plan);
}

void train(const Options& o, Device device) {
  std::error_code error;
  const bool had_config = o.resume && !o.out.empty() && fs::exists(o.out + "/config.toml", error);
  // Without a preset to start from, a run that is resumed explains itself.
  const bool saved = had_config && find_checkpoint(o.out + "/checkpoints").newest.has_value();
  const TrainConfig config = read_config(o, saved || (had_config && o.preset.empty()));
  if (o.dump_config) {
    std::cout << to_toml(config);
    return;
  }
  if (config.data.path.empty()) throw std::invalid_argument("--data is needed");
  if (o.dry_run) return dry_run(o, config, device);
  if (o.out.empty()) throw std::invalid_argument("--out is needed");

  // Everything that can be refused is, before the run's folder is touched.
  const Dataset dataset(config.data.path);
  Model model = configured_model(config, dataset);
  Data data(config, dataset, model.info, device);
  const Tensor weights = class_weights(config, model.info, data.dataset, data.pictures);
  Learner learner(config, std::move(model), weights, device);
  const std::size_t samples = samples_to_keep(o, config, learner.model(), data);
  const auto crop = static_cast<std::size_t>(config.data.crop);
  if (samples > 0) check_cache_room(cache_path(o), cache_bytes(learner.model(), crop, samples));
  RunFolder run(o.out, o.resume     ? RunMode::resume
                       : o.exist_ok ? RunMode::overwrite
                                    : RunMode::fresh);
  announce(o, config, run, had_config, data.sources.metadata.at("data_fingerprint"));
  write_file_atomically(run.file("config.toml"), to_toml(config));
  catch_signals();

  TrainOutcome outcome;
  {
    Progress progress("training", static_cast<std::size_t>(config.train.steps), "steps");
    Trainer trainer(config, learner, data.sources, run, make_hooks(progress));
    std::optional<FeatureCache> cache;
    if (samples > 0) {
      std::error_code failed;
      if (!o.cache.empty()) fs::create_directories(o.cache, failed);
      if (failed) throw IoError("cannot write " + o.cache + ": " + failed.message());
      cache.emplace(cache_path(o), learner.model(), crop, samples);
      learner.use(*cache);
    }
    progress.start_at(static_cast<std::size_t>(learner.steps()));
    outcome = trainer.run();
  }
  if (outcome.finished) remove_cache(o);
  report_outcome(o, outcome);
  if (!outcome.finished && stop_signal != SIGINT) throw Exit(ExitCode::terminated, "");
}

}  // namespace

void add_train(CLI::App& app) {
  Verb verb =
      add_verb(app, "train", "Train a model on a data set that `tinct prepare` wrote",
               {"tinct train --preset unet-small --data photos.data --out runs/first",
                "tinct train --preset unet-small --data photos.data --out runs/first --resume",
                "tinct train --preset unet-small --data photos.data --out runs/second "
                "-o train.steps=2000 -o optim.lr=5e-4",
                "tinct train --preset unet-small --data photos.data --dry-run"});
  auto o = std::make_shared<Options>();
  verb.add_option("--preset", o->preset, "Architecture, as `tinct models` lists it");
  verb.add_option("--data", o->data, "Data set folder").type_name("DATASET");
  verb.add_option("--out", o->out, "Folder of the run").type_name("RUN");
  verb.add_option("-c,--config", o->config, "Configuration").type_name("FILE.toml");
  verb.add_option("-o,--set", o->overrides, "Set a key of the configuration; may be repeated")
      .type_name("KEY=VALUE")
      .expected(1)
      .take_all();
  verb.add_option("--cache", o->cache,
                  "With data.fixed_crops, keep what frozen layers answer here and leave it for "
                  "other runs; otherwise it lies in the run's folder until the run is finished")
      .type_name("FOLDER");
  verb.add_option("--overfit", o->overfit,
                  "Train on N pictures without augmentation, to see "
                  "that the model can learn them")
      .range(1, 1000000)
      .type_name("N");
  add_computing_options(verb, o->computing);
  verb.add_flag("--resume", o->resume, "Go on with the run in --out; start where nothing is saved");
  verb.add_flag("--exist-ok", o->exist_ok, "Start over in --out, removing what a run left there")
      .excludes("--resume");
  verb.add_flag("--dry-run", o->dry_run, "Print parameters, memory and time of a step, and stop");
  verb.add_flag("--dump-config", o->dump_config, "Print the whole configuration and stop");
  verb.callback([o] {
    const Device device = begin_computing(o->computing);
    advising_on_memory(device,
                       "-o train.batch=N with fewer samples (and -o train.accumulate=M for the "
                       "same sum) or a smaller -o data.crop=N needs less",
                       [&] { train(*o, device); });
  });
}

}  // namespace tinct
