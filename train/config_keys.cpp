// The table of configuration keys.
#include "train/config_keys.h"

namespace tinct {
namespace {

constexpr double kMost = ConfigKey::kMost;
constexpr long kMany = 1'000'000'000;

}  // namespace

std::vector<ConfigKey> config_keys(TrainConfig& c) {
  return {
      {"preset", &c.preset, "architecture, as `tinct models` lists it"},
      {"seed", &c.seed, "of weights, order and augmentation", 0, 9e15},

      {"model.chroma_gain", &c.model.chroma_gain,
       "predicted chroma is multiplied by this: squared error teaches too little colour", 0.01, 10},
      {"model.chroma_lift", &c.model.chroma_lift,
       "and then lengthened by up to this many units of ab, in every picture alike", 0, 100},
      {"model.temperature", &c.model.temperature,
       "of a binned head: 1 answers the mean of the colours, towards 0 the likeliest", 0.01, 10},
      {"model.vgg16", &c.model.vgg16,
       "vgg: weights that the backbone starts from; empty: those of tools/fetch-vgg16.sh"},
      {"model.finetune", &c.model.finetune,
       "vgg: factor on the backbone's learning rate; 0: it is frozen", 0, 1e3},
      {"model.dropout", &c.model.dropout, "vgg: of the backbone's taps", 0, 0.99},
      {"model.blocks", &c.model.blocks, "vgg: blocks of the backbone that are used", 4, 5},
      {"model.stride", &c.model.stride, "vgg: chroma is predicted at 1/1, 1/2 or 1/4", 1, 4},
      {"model.members", &c.model.members,
       "vgg: decoders that are trained side by side and averaged", 1, 64},
      {"model.widths", &c.model.widths,
       "vgg: channels taken from conv1_2, conv2_2, conv3_3, conv4_3, conv5_3"},
      {"model.bins",
       &c.model.bins,
       "vgg-unet-bins: data (of a grid of 10, those in use), grid (all) or zhang (313)",
       0,
       0,
       {"data", "grid", "zhang"}},
      {"model.bin_share", &c.model.bin_share,
       "vgg-unet-bins, data: least share of the training pixels", 0, 1},

      {"data.path", &c.data.path, "folder that `tinct prepare` wrote"},
      {"data.crop", &c.data.crop, "side of a training sample in pixels", 1, 8192},
      {"data.scale_min", &c.data.scale_min, "samples cover this fraction of the short side …", 1e-3,
       1},
      {"data.scale_max", &c.data.scale_max, "… to this", 1e-3, 1},
      {"data.flip", &c.data.flip, "mirror half of the samples"},
      {"data.fixed_crops", &c.data.fixed_crops,
       "0: a picture is cut anew in every epoch; K: in K ways, and what frozen layers make of them "
       "is computed once and kept (--cache)",
       0, 10000},
      {"data.source_power", &c.data.source_power,
       "1: every picture weighs the same, 0: every source does", 0, 1},
      {"data.overfit", &c.data.overfit, "train on this many pictures, unaugmented; 0: on all", 0,
       kMany},
      {"data.workers", &c.data.workers, "background threads that prepare batches", 1, 256},
      {"data.prefetch", &c.data.prefetch, "batches prepared ahead", 1, 1024},

      {"train.steps", &c.train.steps, "optimizer steps", 1, kMany},
      {"train.batch", &c.train.batch, "samples a forward pass", 1, 65536},
      {"train.accumulate", &c.train.accumulate, "batches whose gradients make one step", 1, 65536},
      {"train.clip", &c.train.clip, "largest global norm of the gradient; 0: no limit", 0, kMost},
      {"train.ema", &c.train.ema, "decay of the averaged weights, such as 0.999; 0: none", 0,
       0.999999999},
      {"train.checkpoint_every", &c.train.checkpoint_every, "steps; 0: at the end only", 0, kMany},
      {"train.keep", &c.train.keep, "newest checkpoints that stay", 1, kMany},
      {"train.validate_every", &c.train.validate_every, "steps; 0: at the end only", 0, kMany},
      {"train.validate_pictures", &c.train.validate_pictures,
       "of the validation split; 0: all of it", 0, kMany},
      {"train.validate_size", &c.train.validate_size, "their shorter side in pixels", 16, 8192},
      {"train.sample_every", &c.train.sample_every, "steps between sample sheets; 0: at the end", 0,
       kMany},
      {"train.samples", &c.train.samples, "pictures on a sample sheet; 0: no sheets", 0, 64},
      {"train.health_every", &c.train.health_every, "steps between health checks; 0: none", 0,
       kMany},

      {"optim.name", &c.optim.name, "sgd, adam or adamw", 0, 0, {"sgd", "adam", "adamw"}},
      {"optim.lr", &c.optim.lr, "learning rate", 0, 1e6},
      {"optim.momentum", &c.optim.momentum, "sgd", 0, 1},
      {"optim.nesterov", &c.optim.nesterov, "sgd"},
      {"optim.beta1", &c.optim.beta1, "adam, adamw", 0, 1},
      {"optim.beta2", &c.optim.beta2, "adam, adamw", 0, 1},
      {"optim.epsilon", &c.optim.epsilon, "adam, adamw", 0, 1e6},
      {"optim.epsilon_placement",
       &c.epsilon_placement,
       "torch: beside the corrected root; keras: beside the raw root",
       0,
       0,
       {"torch", "keras"}},
      {"optim.weight_decay", &c.optim.weight_decay, "per unit of learning rate (decoupled) or L2",
       0, 1e6},
      {"optim.decoupled", &c.optim.decoupled, "weight decay of sgd and adam; adamw always is"},
      {"optim.decay_everything", &c.optim.decay_everything, "also biases and normalisation"},

      {"schedule.name",
       &c.schedule.name,
       "constant, step, plateau or cosine",
       0,
       0,
       {"constant", "step", "plateau", "cosine"}},
      {"schedule.warmup", &c.schedule.warmup, "steps of linear warm-up", 0, kMany},
      {"schedule.minimum", &c.schedule.minimum, "cosine, plateau: least factor on the rate", 0, 1},
      {"schedule.every", &c.schedule.every, "step: steps between drops", 1, kMany},
      {"schedule.gamma", &c.schedule.gamma, "step, plateau: factor of a drop", 1e-9, 1},
      {"schedule.patience", &c.schedule.patience, "plateau: validations without improvement", 0,
       kMany},
      {"schedule.threshold", &c.schedule.threshold, "plateau: relative improvement that counts", 0,
       0.999},

      {"loss.name",
       &c.loss.name,
       "auto: l2, or what suits the preset (softmax_cross_entropy, blurred, dahl)",
       0,
       0,
       {"auto", "l2", "l1", "huber", "blurred", "dahl", "softmax_cross_entropy"}},
      {"loss.delta", &c.loss.delta, "huber: quadratic up to this, in units of ab / 110", 1e-9, 1e9},
      {"loss.neighbours", &c.loss.neighbours, "softmax_cross_entropy: bins of a soft target", 1,
       512},
      {"loss.sigma", &c.loss.sigma, "softmax_cross_entropy: width of a soft target", 1e-3, 1e3},
      {"loss.rebalance", &c.loss.rebalance, "softmax_cross_entropy: rare colours weigh more"},
      {"loss.uniform", &c.loss.uniform, "rebalance: share of the uniform distribution", 0, 1},

      {"about.licence", &c.about.licence, "carried in the weights' metadata"},
      {"about.origin", &c.about.origin, "carried in the weights' metadata"},
  };
}

}  // namespace tinct
