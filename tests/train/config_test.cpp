// Configuration: what is understood, what is refused and with which words, and writing it back.
#include "train/config.h"

#include <catch2/catch.hpp>
#include <string>

namespace tinct {
namespace {

std::string refusal(const std::string& toml) {
  TrainConfig config;
  try {
    apply_toml(config, toml, "my.toml");
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

std::string override_refusal(const std::string& assignment) {
  TrainConfig config;
  try {
    apply_override(config, assignment);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("config: files and overrides set keys of every type") {
  TrainConfig config;
  apply_toml(config,
             "seed = 7\n[train]\nsteps = 12\nema = 0.5\n[data]\nflip = false\npath = 'a b'\n"
             "[optim.lr_factors]\n'encoder1.' = 0.1\n",
             "x");
  apply_override(config, "optim.lr=2e-4");
  apply_override(config, "train.clip=2");
  apply_override(config, "loss.name=huber");
  apply_override(config, "optim.nesterov=true");
  apply_override(config, "optim.lr_factors.head.bias=0.5");
  CHECK(config.seed == 7);
  CHECK(config.train.steps == 12);
  CHECK(config.train.ema == 0.5);
  CHECK(!config.data.flip);
  CHECK(config.data.path == "a b");
  CHECK(config.optim.lr == 2e-4);
  CHECK(config.train.clip == 2);
  CHECK(config.loss.name == "huber");
  CHECK(config.optim.nesterov);
  CHECK(config.optim.lr_factors.at("encoder1.") == 0.1);
  CHECK(config.optim.lr_factors.at("head.bias") == 0.5);
  CHECK(schedule_options(config).total == 12);
}

TEST_CASE("config: unknown keys are refused with a suggestion and a place") {
  CHECK(refusal("[train]\nbatc = 4\n") ==
        "my.toml:2: unknown key \"train.batc\" (did you mean 'train.batch'?)");
  CHECK(refusal("[trian]\nbatch = 4\n") ==
        "my.toml:1: unknown section [trian] (did you mean 'train'?)");
  CHECK(refusal("sed = 4\n") == "my.toml:1: unknown key \"sed\" (did you mean 'seed'?)");
  CHECK(override_refusal("train.step=4") ==
        "-o train.step=4: unknown key \"train.step\" (did you mean 'train.steps'?)");
  CHECK(override_refusal("zzz=4") == "-o zzz=4: unknown key \"zzz\"");
}

TEST_CASE("config: wrong values are refused in words") {
  CHECK(refusal("[train]\nbatch = 'four'\n") == "my.toml:2: train.batch must be a whole number");
  CHECK(refusal("[train]\nbatch = 0\n") ==
        "my.toml:2: train.batch = 0 is out of range (1 to 65536)");
  CHECK_THAT(refusal("[train\nbatch = 0\n"), Catch::StartsWith("my.toml:1: "));
  CHECK_THAT(refusal("[optim]\nname = 'adamv'\n"),
             Catch::Contains("is none of sgd, adam, adamw (did you mean 'adam'?)") ||
                 Catch::Contains("(did you mean 'adamw'?)"));
  CHECK_THAT(override_refusal("optim.lr=fast"), Catch::Contains("no value for optim.lr"));
  CHECK_THAT(override_refusal("optim.lr=nan"), Catch::Contains("out of range"));
  CHECK_THAT(override_refusal("optim.lr="), Catch::Contains("no value"));
  CHECK_THAT(override_refusal("data.flip=1"), Catch::Contains("must be true or false"));
  CHECK_THAT(override_refusal("train.steps"), Catch::Contains("expected key=value"));
  CHECK_THAT(override_refusal("optim.lr=1\nseed=2"), Catch::Contains("optim.lr"));
}

TEST_CASE("config: what is written is read back the same") {
  TrainConfig config;
  config.seed = 123456789012345;
  config.optim.lr = 1.0 / 3;
  config.optim.epsilon = 1e-8;
  config.data.path = "a \"quoted\" \\ path\n";
  config.optim.lr_factors = {{"encoder1.", 0.1}, {"head", 0}};
  config.train.ema = 0.999;
  TrainConfig again;
  apply_toml(again, to_toml(config), "again");
  CHECK(differences(config, again).empty());
  CHECK(differences(TrainConfig{}, again).size() == 6);
  CHECK(to_toml(again) == to_toml(config));
}

TEST_CASE("config: differences and the command line name what was changed") {
  TrainConfig before, after;
  after.train.batch = 4;
  after.optim.lr_factors["head"] = 0.5;
  after.about.origin = "my photos";
  CHECK(differences(before, after) == std::vector<std::string>{"train.batch: 8 -> 4",
                                                               "about.origin:  -> my photos",
                                                               "optim.lr_factors.head: 1 -> 0.5"});
  CHECK(command_line(after, "d") ==
        "tinct train --preset unet-small --data d -o train.batch=4 -o about.origin='my photos' "
        "-o optim.lr_factors.head=0.5");
}

}  // namespace tinct
