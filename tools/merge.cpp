// tinct merge: trained models on one backbone become one that answers with their mean.
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "models/ensemble.h"
#include "tools/progress.h"
#include "tools/shipped.h"
#include "tools/verb.h"

namespace tinct {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string out;
  std::size_t members = 64;
};

void run(const Options& o) {
  std::vector<std::string> paths;
  for (const std::string& model : o.models) paths.push_back(find_model(model));
  merge_models(paths, o.out, o.members);
  const Model merged = load_model(o.out);
  std::size_t numbers = 0;
  for (const Parameter& p : merged.parameters) numbers += p.value.data().size();
  const auto bytes = static_cast<double>(std::filesystem::file_size(o.out));
  if (common().json) {
    std::cout << nlohmann::json{{"file", o.out},
                                {"parts", paths.size()},
                                {"parameters", numbers},
                                {"bytes", bytes}}
                     .dump(2)
              << '\n';
  } else {
    std::cout << o.out << ": " << paths.size() << " models on one backbone, " << numbers
              << " parameters, " << format_bytes(bytes) << '\n';
  }
}

}  // namespace

void add_merge(CLI::App& app) {
  Verb verb = add_verb(
      app, "merge", "Make one model of several that were trained on one frozen backbone",
      {"tinct merge runs/colour/best.safetensors runs/bins/best.safetensors -o both.safetensors"});
  auto o = std::make_shared<Options>();
  verb.add_option("MODEL", o->models, "Weights files of vgg-unet and vgg-unet-bins")
      .required()
      .expected(2, 16);
  verb.add_option("-o,--output", o->out, "The file to write").required().type_name("FILE");
  verb.add_option("--members", o->members, "Keep only the first so many decoders of each model")
      .range(2, 64)
      .show_default();
  verb.callback([o] { run(*o); });
}

}  // namespace tinct
