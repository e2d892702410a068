// tinct export: a model's weights in 16 or 8 bits, to hand on.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "models/model.h"
#include "tools/progress.h"
#include "tools/shipped.h"
#include "tools/verb.h"
#include "train/validate.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model, out, data, storage = "f16";
  std::optional<float> gain, lift;
};

// How far the weights that come back are from those that went in.
struct Rounding {
  double relative = 0;  ///< ||stored - exact|| / ||exact|| over all weights
  double worst = 0;     ///< the same of the tensor where it is largest
  std::string where;
};

Rounding compare(const Model& exact, const Model& stored) {
  Rounding r;
  double all_errors = 0, all_squares = 0;
  for (std::size_t k = 0; k < exact.parameters.size(); ++k) {
    const Tensor& a = exact.parameters[k].value.data();
    const Tensor& b = stored.parameters[k].value.data();
    double errors = 0, squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double d = double{b.f32()[i]} - double{a.f32()[i]};
      errors += d * d;
      squares += double{a.f32()[i]} * a.f32()[i];
    }
    if (!exact.parameters[k].name.ends_with(".weight")) continue;
    all_errors += errors;
    all_squares += squares;
    const double relative = squares > 0 ? std::sqrt(errors / squares) : 0;
    if (relative > r.worst) {
      r.worst = relative;
      r.where = exact.parameters[k].name;
    }
  }
  r.relative = all_squares > 0 ? std::sqrt(all_errors / all_squares) : 0;
  return r;
}

void run(const Options& o) {
  const Storage storage = parse_storage(o.storage);
  const std::string from = find_model(o.model);
  Model model = load_model(from);
  Metadata metadata = SafetensorsFile(from).metadata();
  metadata.erase("storage");
  if (!o.data.empty()) {
    const Dataset dataset(o.data);
    model.info.train_colourfulness =
        static_cast<float>(mean_colourfulness(dataset, dataset.split(Split::train)));
    metadata["train_colourfulness"] = describe(model)["train_colourfulness"];
  }
  if (o.gain) model.info.chroma_gain = *o.gain;
  if (o.lift) model.info.chroma_lift = *o.lift;
  for (const char* key : {"chroma_gain", "chroma_lift"}) metadata.erase(key);
  save_model(o.out, model, metadata, storage);
  const Rounding r = compare(model, load_model(o.out));
  const auto before = static_cast<double>(fs::file_size(from));
  const auto after = static_cast<double>(fs::file_size(o.out));
  if (common().json) {
    std::cout << nlohmann::json{{"file", o.out},
                                {"storage", o.storage},
                                {"bytes_before", before},
                                {"bytes", after},
                                {"relative_error", r.relative},
                                {"worst_relative_error", r.worst},
                                {"worst_tensor", r.where}}
                     .dump(2)
              << '\n';
    return;
  }
  std::printf("%s: %s, %s -> %s; weights differ by %.3g (relative)", o.out.c_str(),
              o.storage.c_str(), format_bytes(before).c_str(), format_bytes(after).c_str(),
              r.relative);
  if (!r.where.empty()) std::printf(", at most %.3g (%s)", r.worst, r.where.c_str());
  std::printf("\n");
}

}  // namespace

void add_export(CLI::App& app) {
  Verb verb =
      add_verb(app, "export", "Write a model's weights in fewer bits",
               {"tinct export runs/first/best.safetensors -o best.safetensors --storage i8"});
  auto o = std::make_shared<Options>();
  verb.add_option("MODEL", o->model, "A weights file, or a shipped model by name").required();
  verb.add_option("-o,--output", o->out, "The file to write").required().type_name("FILE");
  verb.add_option("--storage", o->storage,
                  "f16: half the bytes; i8: a quarter, with a scale for each output channel; f32")
      .one_of({"f32", "f16", "i8"})
      .show_default();
  verb.add_option("--data", o->data,
                  "Also note how colourful this data set's training photographs are, for "
                  "`tinct colorize --saturation auto`; `tinct train` does so itself")
      .type_name("DATASET");
  verb.add_option("--chroma-gain", o->gain, "Predicted chroma is multiplied by this from now on")
      .range(0.01f, 10.0f);
  verb.add_option("--chroma-lift", o->lift,
                  "And then lengthened by up to this many units of ab, in every picture alike")
      .range(0.0f, 100.0f);
  verb.callback([o] { run(*o); });
}

}  // namespace tinct
