// tinct eval: a model's scores on a prepared data set.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "tools/progress.h"
#include "tools/shipped.h"
#include "tools/verb.h"
#include "train/evaluate.h"
#include "train/predict.h"
#include "train/validate.h"

namespace tinct {
namespace {

constexpr std::size_t kSheetRows = 12;

struct Options {
  std::string model = kDefaultModel;
  std::string data;
  std::string csv;
  std::string sheet;
  std::string split = "val";
  Computing computing;
  ColorizeOptions colorize;
  PredictOptions predict;
};

std::string to_csv(const Evaluation& e) {
  std::ostringstream out;
  out << "picture,pixels";
  for (const auto& [name, value] : fields(e.model)) out << ',' << name;
  out << '\n';
  const auto row = [&](const std::string& name, const PictureScore& s) {
    std::string quoted = name;
    for (std::size_t i = 0; (i = quoted.find('"', i)) != std::string::npos; i += 2)
      quoted.insert(i, 1, '"');
    out << '"' << quoted << "\"," << s.pixels;
    for (const auto& [field, value] : fields(s)) out << ',' << value;
    out << '\n';
  };
  for (const PictureScore& s : e.pictures) row(s.name, s);
  row("mean", e.model);
  row("baseline grey", e.grey);
  row("baseline mean colour", e.mean);
  row("original", e.original);
  return out.str();
}

nlohmann::json to_json(const PictureScore& s) {
  nlohmann::json json;
  for (const auto& [name, value] : fields(s)) {
    json[name] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
  }
  return json;
}

nlohmann::json to_json(const Evaluation& e) {
  nlohmann::json pictures = nlohmann::json::array();
  for (const PictureScore& s : e.pictures) {
    nlohmann::json one = to_json(s);
    one["picture"] = s.name;
    pictures.push_back(std::move(one));
  }
  return {{"mse_ratio", e.mse_ratio()},
          {"colourfulness_ratio", e.colourfulness_ratio()},
          {"dcf", std::abs(e.model.cf - e.model.cf_true)},
          {"model", to_json(e.model)},
          {"grey", to_json(e.grey)},
          {"mean_colour", to_json(e.mean)},
          {"original", to_json(e.original)},
          {"pictures", std::move(pictures)}};
}

void print_table(const Evaluation& e) {
  std::printf("%-16s%12s%12s%12s%12s\n", "", "model", "grey", "mean colour", "original");
  const auto model = fields(e.model);
  const auto grey = fields(e.grey);
  const auto mean = fields(e.mean);
  const auto original = fields(e.original);
  for (std::size_t i = 0; i < model.size(); ++i) {
    std::printf("%-16s%12.5g%12.5g%12.5g%12.5g\n", model[i].first.c_str(), model[i].second,
                grey[i].second, mean[i].second, original[i].second);
  }
  std::printf(
      "\n%zu pictures; mse_ab is %.4f of the better baseline's, colourfulness %.3f of the true "
      "pictures'\n",
      e.pictures.size(), e.mse_ratio(), e.colourfulness_ratio());
}

void run(const Options& options, Device device) {
  const Dataset dataset(options.data);
  const Model model = load_model(find_model(options.model));
  move_to(model.parameters, device);
  std::vector<std::size_t> indices =
      dataset.split(options.split == "train" ? Split::train : Split::val);
  if (options.split == "all") {
    indices.clear();
    for (std::size_t i = 0; i < dataset.size(); ++i) indices.push_back(i);
  }
  ColorizeOptions colorize = options.colorize;
  colorize.multiple = model.info.multiple;
  Progress progress("evaluating", indices.size(), "pictures");
  const PredictChroma predict = [&](const Tensor& lightness) {
    Tensor ab = predict_ab(model, lightness, options.predict);
    for (std::size_t i = 0; i < ab.size(); ++i) ab.f32()[i] *= colorize.saturation;
    return ab;
  };
  const Evaluation e = evaluate(dataset, indices, predict, colorize, metric_context(dataset), true,
                                [&] { progress.advance(); });
  Progress::clear_line();
  if (!options.csv.empty()) write_file_atomically(options.csv, to_csv(e));
  if (!options.sheet.empty()) {
    const ValidationSet pictures(dataset, indices, colorize.size, 0);
    save_png(options.sheet, sample_sheet(model, pictures, kSheetRows));
  }
  if (common().json) {
    std::cout << to_json(e).dump(2) << '\n';
  } else {
    print_table(e);
  }
}

}  // namespace

void add_eval(CLI::App& app) {
  Verb verb =
      add_verb(app, "eval", "Score a model on a prepared data set",
               {"tinct eval --data photos",
                "tinct eval --model runs/first/best.safetensors --data photos --csv scores.csv"});
  auto options = std::make_shared<Options>();
  verb.add_option("--model", options->model, "A weights file, or a shipped model by name")
      .show_default();
  verb.add_option("--data", options->data, "A folder that tinct prepare wrote").required();
  verb.add_option("--csv", options->csv, "Write every picture's scores here");
  verb.add_option("--sheet", options->sheet,
                  "Write the first twelve pictures here, grey, predicted and true (PNG)");
  verb.add_option("--split", options->split, "Which pictures")
      .one_of({"val", "train", "all"})
      .show_default();
  verb.add_option("--size", options->colorize.size,
                  "Shorter side at which the network sees a picture")
      .range(16, 4096)
      .show_default();
  verb.add_option("--saturation", options->colorize.saturation, "Multiply the predicted chroma")
      .range(0.0, 10.0)
      .show_default();
  verb.add_option("--temperature", options->predict.temperature,
                  "Of a binned head: 1 mean, towards 0 mode; default: the model's own")
      .range(0.01, 10.0);
  verb.add_flag("!--no-fade", options->predict.fade,
                "Of a binned head: keep the colour where it does not know");
  verb.add_flag("--flip", options->predict.flip, "Average with the mirrored picture's prediction");
  add_computing_options(verb, options->computing);
  verb.callback([options] {
    const Device device = begin_computing(options->computing);
    advising_on_memory(device, "a smaller --size needs less", [&] { run(*options, device); });
  });
}

}  // namespace tinct
