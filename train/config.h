// Everything a training run can be told, as TOML and as key=value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace tinct {

/// The keys are listed in config_keys.cpp, with what they mean.
struct TrainConfig {
  std::string preset = "unet-small";
  long seed = 1;

  struct Data {
    std::string path;
    long crop = 128;
    double scale_min = 0.4;
    double scale_max = 1.0;
    bool flip = true;
    long fixed_crops = 0;
    double source_power = 0.5;
    long overfit = 0;
    long workers = 1;
    long prefetch = 4;
  } data;

  struct Train {
    long steps = 4000;
    long batch = 8;
    long accumulate = 1;
    double clip = 1;
    double ema = 0;
    long checkpoint_every = 500;
    long keep = 3;
    long validate_every = 500;
    long validate_pictures = 0;
    long validate_size = 256;
    long sample_every = 500;
    long samples = 6;
    long health_every = 100;
  } train;

  OptimizerOptions optim;
  std::string epsilon_placement = "torch";
  ScheduleOptions schedule;  ///< `total` is train.steps

  struct Network {
    double chroma_gain = 1;
    double chroma_lift = 0;
    double temperature = 0.38;
    std::string vgg16;
    double finetune = 0;
    double dropout = 0.2;
    long blocks = 5;
    long stride = 4;
    long members = 1;
    std::string widths = "0,32,64,128,128";
    std::string bins = "data";
    double bin_share = 1e-5;
  } model;

  struct Loss {
    std::string name = "auto";
    double delta = 1;
    long neighbours = 5;
    double sigma = 5;
    bool rebalance = false;
    double uniform = 0.5;
  } loss;

  struct About {
    std::string licence;
    std::string origin;
  } about;
};

/// Sets what the TOML text says; `name` is for messages. Throws std::invalid_argument naming the
/// place for a syntax error, an unknown key (with a suggestion), a value of another type or out of
/// range.
void apply_toml(TrainConfig& config, const std::string& text, const std::string& name);
/// Sets one key: "train.batch=4". Throws std::invalid_argument.
void apply_override(TrainConfig& config, const std::string& assignment);

/// The whole configuration, with a comment a key. apply_toml gives the same configuration back.
std::string to_toml(const TrainConfig& config);
/// "train.batch: 8 -> 4" for every key in which they differ.
std::vector<std::string> differences(const TrainConfig& before, const TrainConfig& after);
/// The command that starts a run like this one, without --out; `data` stands for the data set.
std::string command_line(const TrainConfig& config, const std::string& data);

/// The optimizer's, the schedule's and the network's options with what other keys say of them
/// filled in; the last without bins and without the backbone's file. Throws std::invalid_argument.
OptimizerOptions optimizer_options(const TrainConfig& config);
ScheduleOptions schedule_options(const TrainConfig& config);
ModelOptions model_options(const TrainConfig& config);

}  // namespace tinct
