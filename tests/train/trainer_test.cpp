// Whole training runs of a tiny network: resumed anywhere it ends with the same bits; failures stop
// it in words and lose nothing.
#include "train/trainer.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/simt/device.h"
#include "core/threads.h"
#include "models/unet.h"
#include "models/vgg_unet.h"
#include "tests/check.h"
#include "tests/train/data_check.h"
#include "train/plan.h"
#include "train/predict.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;
using test::Folder;

TrainConfig tiny_config() {
  TrainConfig config;
  config.preset = "tiny";
  config.data.crop = 16;
  config.train.steps = 12;
  config.train.batch = 2;
  config.train.accumulate = 2;
  config.train.clip = 0.5;
  config.train.ema = 0.9;
  config.train.checkpoint_every = 5;
  config.train.validate_every = 2;
  config.train.sample_every = 6;
  config.train.samples = 2;
  config.train.keep = 2;
  config.train.health_every = 4;
  config.schedule.name = "plateau";
  config.schedule.patience = 0;
  config.schedule.gamma = 0.5;
  config.schedule.warmup = 3;
  config.optim.weight_decay = 0.01;
  return config;
}

Model tiny_model(Head head = Head::regression) {
  const Tensor bins = Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 20});
  return make_unet({.preset = "tiny", .widths = {4, 6, 8}, .head = head, .bins = bins}, 3);
}

// Sixteenth the width of VGG16, freshly drawn: what a decoder does with it can be seen all the
// same.
Model tiny_vgg_unet(const Tensor& bins, float dropout = 0.2f) {
  VggUnetConfig config;
  config.preset = "tiny";
  config.backbone.width_divisor = 16;
  config.widths = {0, 4, 8, 8, 8};
  config.dropout = dropout;
  config.head = Head::binned;
  config.bins = bins;
  return make_vgg_unet(config, 3);
}

// A data set of eight small pictures, and what trains on it.
struct Fixture {
  Folder folder;
  std::function<Model()> model = [] { return tiny_model(); };
  std::string data = folder / "data";
  Fixture() { test::write_hills(data, 8, 4); }

  struct Setup {
    Dataset dataset;
    Loader loader;
    ValidationSet validation;
    TrainSources sources;
    Learner learner;
    Setup(const std::string& path, const TrainConfig& config, Model model,
          Device device = Device::cpu)
        : dataset(path),
          loader(dataset, loader_options(config, device)),
          validation(dataset, dataset.split(Split::train), 32, 3),
          learner(config, std::move(model), {}, device) {
      sources.batches = [this](std::uint64_t index) { return loader.next(index); };
      sources.epoch_size = loader.epoch_size();
      sources.validation = &validation;
      sources.metadata = {{"command", "test"}};
    }
    static LoaderOptions loader_options(const TrainConfig& config, Device device = Device::cpu) {
      LoaderOptions options;
      options.batch = static_cast<std::size_t>(config.train.batch);
      options.augment.crop = static_cast<std::size_t>(config.data.crop);
      options.raw = device != Device::cpu;
      return options;
    }
  };

  // Trains in `run` until `stop` steps are done (0: to the end).
  TrainOutcome train(const std::string& run, const TrainConfig& config, long stop = 0,
                     RunMode mode = RunMode::resume) {
    RunFolder opened(folder / run, mode);
    Setup setup(data, config, model());
    TrainHooks hooks;
    hooks.poll = [&] { return setup.learner.steps() == stop ? Request::stop : Request::none; };
    return Trainer(config, setup.learner, setup.sources, opened, hooks).run();
  }

  // What two runs must share: the last checkpoint's files and the weights beside it.
  std::map<std::string, std::string> outcome(const std::string& run) {
    std::map<std::string, std::string> files;
    const std::string path = folder / run;
    for (const char* name : {"last.safetensors", "best.safetensors"}) {
      files[name] = read_file(path + "/" + name);
    }
    for (const auto& entry : fs::directory_iterator(path + "/checkpoints/last/")) {
      files[entry.path().filename()] = read_file(entry.path());
    }
    return files;
  }
};

void check_log(const std::string& path, long steps) {
  const auto points = read_log(path + "/log.jsonl", "loss");
  REQUIRE(points.size() == static_cast<std::size_t>(steps));
  for (long i = 0; i < steps; ++i) CHECK(points[static_cast<std::size_t>(i)].first == i + 1);
}

}  // namespace

TEST_CASE("a run that is stopped and resumed ends with the same bits") {
  Fixture f;
  const TrainConfig config = tiny_config();
  const TrainOutcome whole = f.train("whole", config);
  CHECK(whole.finished);
  const auto expected = f.outcome("whole");
  CHECK(expected.size() == 7);  // last, best, model, ema, optimizer, state, manifest
  check_log(f.folder / "whole", config.train.steps);
  CHECK(fs::exists(f.folder / "whole/samples/step-00000012.png"));
  CHECK(fs::exists(f.folder / "whole/loss.png"));
  // Before, at and after a checkpoint, a validation, a picture of samples; and at either end.
  for (const long stop : {1, 4, 5, 6, 9, 11}) {
    INFO("stopped after " << stop);
    const std::string run = "stopped" + std::to_string(stop);
    CHECK(!f.train(run, config, stop).finished);
    CHECK(f.train(run, config).finished);
    CHECK(f.outcome(run) == expected);
    check_log(f.folder / run, config.train.steps);
  }
}

TEST_CASE("a run with a frozen backbone, dropout and bins is resumed to the same bits as well") {
  Fixture f;
  const Dataset dataset(f.data);
  const Tensor bins = bins_in_use(dataset, dataset.split(Split::train), 0.01);
  f.model = [&] { return tiny_vgg_unet(bins); };
  const TrainConfig config = tiny_config();
  f.train("whole", config);
  CHECK(!f.train("stopped", config, 7).finished);
  CHECK(f.train("stopped", config).finished);
  CHECK(f.outcome("stopped") == f.outcome("whole"));
  // The backbone is as it was drawn, to the last bit, its moving average too.
  const SafetensorsFile last(f.folder / "whole/last.safetensors");
  std::size_t frozen = 0;
  for (const Parameter& p : f.model().parameters) {
    if (!p.name.starts_with("vgg.") && !p.buffer) continue;
    if (p.name.find("running") != std::string::npos) continue;
    INFO(p.name);
    CHECK(test::hash_of(last.load(p.name)) == test::hash_of(p.value.data()));
    ++frozen;
  }
  CHECK(frozen == 2 * kVggConvolutions + 1);  // and the bins
  // Bins that are not the checkpoint's are refused.
  Tensor others = bins.clone();
  others.f32()[0] += 10;
  f.model = [&] { return tiny_vgg_unet(others); };
  CHECK_THROWS_WITH(f.train("stopped", config), Catch::Contains("other bins"));
}

TEST_CASE("vgg-unet-bins learns eight pictures by heart") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.optim.lr = 1e-2;
  config.schedule.name = "constant";
  config.train.accumulate = 1;
  config.train.ema = 0;
  config.loss.neighbours = 5;
  const Dataset dataset(f.data);
  const auto& pictures = dataset.split(Split::train);
  Learner learner(config, tiny_vgg_unet(bins_in_use(dataset, pictures, 0), 0));
  LoaderOptions options = Fixture::Setup::loader_options(config);
  options.batch = 8;
  options.augment = AugmentOptions::none(32);
  Loader loader(dataset, options);
  const Batch batch = loader.next(0);
  for (int i = 0; i < 150; ++i) learner.step({batch});
  const Tensor ab = predict_ab(learner.model(), batch.lightness, {.temperature = 1});
  double error = 0, grey = 0;
  for (std::size_t i = 0; i < ab.size(); ++i) {
    const double truth = batch.ab.f32()[i];
    error += (ab.f32()[i] - truth) * (ab.f32()[i] - truth);
    grey += truth * truth;
  }
  INFO("mean squared error relative to grey: " << error / grey);
  CHECK(error < 0.2 * grey);
}

TEST_CASE("the bins in use are those of the grid that hold enough of the training pixels") {
  Folder folder;
  DatasetWriter writer(folder / "data", false, 1 << 20);
  Tensor rgb({1, 64, 64, 3}, DType::u8);
  for (std::size_t i = 0; i < 64 * 64; ++i) {  // red but for one row in grey and a blue pixel
    const bool grey = i < 64, blue = i == 64;
    rgb.u8()[3 * i] = grey ? 100 : blue ? 0 : 255;
    rgb.u8()[3 * i + 1] = grey ? 100 : 0;
    rgb.u8()[3 * i + 2] = grey ? 100 : blue ? 255 : 0;
  }
  writer.add({.name = "red", .source = "a"}, rgb);
  writer.commit();
  const Dataset dataset(folder / "data");
  const auto& pictures = dataset.split(Split::train);
  const Tensor most = Tensor::from({1, 1, 2, 2}, {0, 0, 80, 70});
  const Tensor all = Tensor::from({1, 1, 3, 2}, {0, 0, 80, -110, 80, 70});
  CHECK(test::difference(bins_in_use(dataset, pictures, 1e-3), most, 0, 0) == "");
  CHECK(test::difference(bins_in_use(dataset, pictures, 1e-4), all, 0, 0) == "");
  CHECK(test::difference(bins_in_use(dataset, pictures, 0.9), most, 0, 0) == "");
  CHECK_THROWS_AS(bins_in_use(dataset, pictures, 1), DataError);
}

TEST_CASE("a run that lost its newest checkpoint goes on from the one before") {
  Fixture f;
  const TrainConfig config = tiny_config();
  f.train("whole", config);
  f.train("hurt", config, 7);  // checkpoints of steps 5 and 7
  fs::resize_file(f.folder / "hurt/checkpoints/step-00000007/model.safetensors", 100);
  {
    const RunFolder run(f.folder / "hurt", RunMode::resume);
    CHECK(run.start()->step == 5);
    CHECK(run.damaged().size() == 1);
  }
  f.train("hurt", config);
  CHECK(f.outcome("hurt") == f.outcome("whole"));
  check_log(f.folder / "hurt", config.train.steps);
}

TEST_CASE("training is the same bits for any thread count, and another seed is not") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.steps = 4;
  const int before = threads();
  set_threads(1);
  f.train("one", config);
  set_threads(3);
  f.train("three", config);
  set_threads(before);
  CHECK(f.outcome("one") == f.outcome("three"));
  config.seed = 2;
  config.optim.lr = 2e-3;
  f.train("other", config);
  CHECK(f.outcome("one").at("last.safetensors") != f.outcome("other").at("last.safetensors"));
}

TEST_CASE("a finished run that is resumed stays as it is") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.steps = 3;
  f.train("run", config);
  const auto before = f.outcome("run");
  fs::remove(f.folder / "run/last.safetensors");  // as if killed before it was written
  const TrainOutcome again = f.train("run", config);
  CHECK(again.finished);
  CHECK(f.outcome("run") == before);
}

TEST_CASE("numbers that are not finite stop a run at the layer; the last checkpoint stays") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.validate_every = 0;
  RunFolder run(f.folder / "run", RunMode::fresh);
  Fixture::Setup setup(f.data, config, tiny_model());
  TrainHooks hooks;
  hooks.on_step = [&](const StepReport& report) {
    if (report.step != 7) return;
    for (Parameter& p : setup.learner.model().parameters) {
      if (p.name == "encoder2.1.conv.weight") {
        p.value.mutable_data().f32()[0] = std::numeric_limits<float>::infinity();
      }
    }
  };
  Trainer trainer(config, setup.learner, setup.sources, run, hooks);
  CHECK_THROWS_WITH(trainer.run(), Catch::Contains("step 8: the loss is not finite") &&
                                       Catch::Contains("layer encoder2") &&
                                       Catch::Contains("encoder2.1.conv.weight"));
  CHECK(find_checkpoint(run.checkpoints()).newest->step == 5);
  const std::string log = read_file(run.file("log.jsonl"));
  CHECK_THAT(log, Catch::Contains("{\"step\":8,\"loss\":null,\"nonfinite\":[\"loss\"]"));
}

TEST_CASE("a device without memory stops a run in words; it goes on from the last checkpoint") {
  if (device::backend() != device::Backend::simulator) return;
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.steps = 3;
  config.train.batch = config.train.accumulate = 1;
  config.train.checkpoint_every = 2;
  config.train.health_every = 1;
  config.train.validate_every = config.train.sample_every = 0;
  const auto train = [&](const std::string& name, bool runs_out) {
    RunFolder run(f.folder / name, RunMode::resume);
    Fixture::Setup setup(f.data, config, tiny_model(), Device::gpu);
    TrainHooks hooks;
    hooks.on_step = [&](const StepReport& report) {
      if (runs_out && report.step == 2) device::set_memory(device::memory_use().in_use + 1000);
    };
    Trainer(config, setup.learner, setup.sources, run, hooks).run();
  };
  const std::size_t plenty = device::info().total_bytes;
  CHECK_THROWS_WITH(train("run", true), Catch::Contains("step 3: no room for ") &&
                                            Catch::Contains(", for a tensor of shape (") &&
                                            Catch::Contains("the checkpoint of step 2 stays"));
  device::set_memory(plenty);
  train("run", false);
  train("whole", false);
  CHECK(f.outcome("run") == f.outcome("whole"));
}

TEST_CASE("a disk that is full costs checkpoints, then the run; the earlier checkpoint stays") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.checkpoint_every = 1;
  config.train.sample_every = 0;
  RunFolder run(f.folder / "run", RunMode::fresh);
  Fixture::Setup setup(f.data, config, tiny_model());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  std::vector<std::string> warnings;
  TrainHooks hooks;
  hooks.on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  hooks.on_step = [&](const StepReport& report) {
    rlimit limit = before;
    if (report.step == 3 || report.step >= 5) limit.rlim_cur = 4096;  // room again at step 4
    setrlimit(RLIMIT_FSIZE, &limit);
  };
  Trainer trainer(config, setup.learner, setup.sources, run, hooks);
  CHECK_THROWS_AS(trainer.run(), IoError);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(setup.learner.steps() == 7);
  CHECK(find_checkpoint(run.checkpoints()).newest->step == 4);
  std::size_t about_checkpoints = 0;
  for (const std::string& w : warnings) {
    about_checkpoints += w.find("no checkpoint was saved") != std::string::npos;
  }
  CHECK(about_checkpoints == 3);
}

TEST_CASE("every loss trains: it falls on pictures that are seen again and again") {
  Fixture f;
  for (const char* loss : {"l2", "l1", "huber", "blurred", "softmax_cross_entropy"}) {
    TrainConfig config = tiny_config();
    config.loss.name = loss;
    config.loss.delta = 0.1;
    config.loss.neighbours = 2;
    config.loss.rebalance = true;
    config.optim.lr = 1e-2;
    config.schedule.name = "constant";
    config.train.accumulate = 1;
    const bool binned = config.loss.name == "softmax_cross_entropy";
    Model model = tiny_model(binned ? Head::binned : Head::regression);
    const Dataset dataset(f.data);
    const auto& pictures = dataset.split(Split::train);
    const Tensor weights = class_weights(config, model.info, dataset, pictures);
    CHECK(weights.defined() == binned);
    Learner learner(config, std::move(model), weights);
    LoaderOptions options = Fixture::Setup::loader_options(config);
    options.batch = 8;
    options.augment = AugmentOptions::none(16);
    Loader loader(dataset, options);
    double first = 0, last = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
      last = learner.step({loader.next(0)}).loss;
      if (i == 0) first = last;
    }
    INFO(loss << " " << first << " -> " << last);
    CHECK(last < 0.9 * first);
  }
  CHECK_THROWS_WITH(Objective({.name = "l2"}, tiny_model(Head::binned).info),
                    Catch::Contains("needs softmax_cross_entropy"));
}

TEST_CASE("gradients of accumulated batches are those of one larger batch") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.ema = 0;
  config.train.clip = 0;
  config.optim.name = "sgd";
  config.optim.momentum = 0;
  const Dataset dataset(f.data);
  Loader loader(dataset, Fixture::Setup::loader_options(config));
  // The same batch twice makes the same step as once: the mean, not the sum.
  Learner once(config, tiny_model()), twice(config, tiny_model());
  const Batch batch = loader.next(0);
  const StepResult a = once.step({batch});
  const StepResult b = twice.step({batch, batch});
  CHECK(a.loss == Approx(b.loss));
  CHECK(a.grad_norm == Approx(b.grad_norm).epsilon(1e-4));
  for (std::size_t i = 0; i < once.model().parameters.size(); ++i) {
    const Parameter& p = once.model().parameters[i];
    if (!p.buffer) {
      CHECK(test::hash_of(p.value.data()) ==
            test::hash_of(twice.model().parameters[i].value.data()));
    }
  }
}

TEST_CASE("a dry run measures what it predicts") {
  Fixture f;
  TrainConfig config = tiny_config();
  config.train.batch = 6;
  Fixture::Setup setup(f.data, config, tiny_model());
  const Plan plan = make_plan(config, setup.learner, setup.sources);
  CHECK(plan.parameters > 1000);
  CHECK(plan.step_ms > 0);
  CHECK(plan.predicted_peak > plan.weight_bytes + plan.state_bytes);
  const double ratio =
      static_cast<double>(plan.predicted_peak) / static_cast<double>(plan.measured_peak);
  CHECK(ratio > 0.5);
  CHECK(ratio < 2);
}

}  // namespace tinct
