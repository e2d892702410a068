// tinct import: another library's weights, read without running any of them.
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/sha256.h"
#include "tools/verb.h"
#include "train/import/source.h"
#include "train/import/vgg16_import.h"

namespace tinct {
namespace {

struct Options {
  std::string input, output, arch, preprocessing, origin, licence;
  bool fold = false;
  double epsilon = 0;
  std::size_t width_divisor = 1;
};

using Statistics = std::array<std::array<double, 2>, 5>;

// feature_statistics of the weights that Oxford published, by PyTorch in double precision.
constexpr Statistics kOxfordStatistics = {{{111.010079, 144.938502},
                                           {239.799878, 501.316427},
                                           {268.022964, 640.535297},
                                           {21.8647968, 84.8366094},
                                           {1.37247534, 8.32633363}}};

// PyTorch's own names end in the first digits of the file's hash: vgg16-397923af.pth.
void check_named_hash(const std::string& path, const std::string& hash) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const std::size_t dash = stem.rfind('-');
  if (dash == std::string::npos || stem.size() - dash != 9) return;
  const std::string digits = stem.substr(dash + 1);
  if (digits.find_first_not_of("0123456789abcdef") != std::string::npos) return;
  if (hash.compare(0, 8, digits) != 0) {
    throw WeightsError(path + ": its SHA-256 begins " + hash.substr(0, 8) + ", not " + digits +
                       " as its name says: damaged, or renamed");
  }
}

Vgg16ImportOptions import_options(const Options& o) {
  Vgg16ImportOptions out;
  out.batch_norm = o.arch == "vgg16_bn";
  out.fold = o.fold;
  out.width_divisor = o.width_divisor;
  if (o.epsilon != 0) {
    if (!out.batch_norm) throw std::invalid_argument("--batch-norm-eps is for vgg16_bn");
    out.epsilon = o.epsilon;
  }
  if (o.fold && !out.batch_norm) {
    throw std::invalid_argument("--fold-bn is for vgg16_bn");
  }
  if (!o.preprocessing.empty()) out.preprocessing = parse_preprocessing(o.preprocessing);
  return out;
}

Metadata provenance(const Options& o, const Source& source, const std::string& hash,
                    const Vgg16Import& done) {
  Metadata out = {{"source_format", source.format}, {"source_sha256", hash}};
  if (done.oxford) {
    out["origin"] = "VGG16, Visual Geometry Group, University of Oxford";
    out["licence"] = "CC BY 4.0, Visual Geometry Group, University of Oxford";
  }
  if (!o.origin.empty()) out["origin"] = o.origin;
  if (!o.licence.empty()) out["licence"] = o.licence;
  return out;
}

// The weights' features for a fixed picture; known weights must have known ones.
Statistics self_check(const std::string& path, const Vgg16Import& done) {
  const Statistics found = feature_statistics(done.net);
  for (std::size_t i = 0; done.oxford && i < found.size(); ++i) {
    for (std::size_t k = 0; k < 2; ++k) {
      const double known = kOxfordStatistics[i][k];
      if (!(std::abs(found[i][k] - known) <= 1e-4 * known)) {
        throw WeightsError(path + ": begins like Oxford's weights, but its features are others: " +
                           "damaged, or trained further");
      }
    }
  }
  return found;
}

nlohmann::json to_json(const Vgg16Import::Line& line) {
  nlohmann::json json = {{"name", line.theirs}, {"shape", line.extents}};
  if (!line.ours.empty()) json["becomes"] = line.ours;
  return json;
}

void report_json(const Options& o, const Source& source, const std::string& hash,
                 const Vgg16Import& done, const Statistics& features) {
  nlohmann::json mapped = nlohmann::json::array(), left = nlohmann::json::array();
  for (const auto& line : done.mapped) mapped.push_back(to_json(line));
  for (const auto& line : done.left_over) left.push_back(to_json(line));
  nlohmann::json json = {{"file", o.input},
                         {"format", source.format},
                         {"sha256", hash},
                         {"arch", done.net.config.arch()},
                         {"layout", done.layout},
                         {"first_layer", done.first_layer},
                         {"preprocessing", to_string(done.net.config.preprocessing)},
                         {"preprocessing_from", done.preprocessing_from},
                         {"mapped", mapped},
                         {"left_over", left},
                         {"missing", done.missing},
                         {"notes", done.notes},
                         {"features", features},
                         {"features_known", done.oxford},
                         {"output", o.output}};
  if (o.arch == "vgg16_bn") {
    json["batch_norm"] = {{"folded", !done.net.config.batch_norm},
                          {"eps", done.epsilon},
                          {"eps_from", done.epsilon_from}};
  }
  // A tensor's name is whatever its file says, not always UTF-8.
  std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void report(const Options& o, const Source& source, const std::string& hash,
            const Vgg16Import& done, const Statistics& features) {
  std::printf("%s: %s\nsha256: %s\n", o.input.c_str(), source.format.c_str(), hash.c_str());
  for (const std::string& note : done.notes) std::printf("note: %s\n", note.c_str());
  for (const auto& line : done.mapped) {
    std::printf("%-20s <- %s %s\n", line.ours.c_str(), line.theirs.c_str(),
                extents_text(line.extents).c_str());
  }
  for (const auto& line : done.left_over) {
    std::printf("left over: %s %s\n", line.theirs.c_str(), extents_text(line.extents).c_str());
  }
  std::string missing;
  for (const std::string& name : done.missing) missing += (missing.empty() ? "" : ", ") + name;
  std::printf("missing: %s\n", missing.empty() ? "none" : (missing + " (noughts)").c_str());
  std::printf("layout: %s\nfirst layer: %s\n", done.layout.c_str(), done.first_layer.c_str());
  std::printf("strides: 1 in all convolutions, 2 in the poolings\n");
  if (o.arch == "vgg16_bn") {
    std::printf("batch norm: %s, eps %g (%s)\n",
                done.net.config.batch_norm ? "kept" : "folded into the convolutions", done.epsilon,
                done.epsilon_from.c_str());
  }
  std::printf("preprocessing: %s (%s)\n", to_string(done.net.config.preprocessing),
              done.preprocessing_from.c_str());
  for (std::size_t i = 0; i < features.size(); ++i) {
    std::printf("features of the test picture at %s: mean %.6g, deviation %.6g\n", kVggTapNames[i],
                features[i][0], features[i][1]);
  }
  if (done.oxford) std::printf("they are those of Oxford's weights\n");
  std::printf("%s: %s\n", o.output.c_str(), done.net.config.arch().c_str());
}

void run(const Options& o) {
  const Vgg16ImportOptions options = import_options(o);
  const Source source = read_source(o.input);
  const std::string hash = sha256(source.buffers.front());
  check_named_hash(o.input, hash);
  Vgg16Import done;
  try {
    done = import_vgg16(source, options);
  } catch (const WeightsError& e) {
    throw WeightsError(o.input + ": " + e.what());
  }
  const Statistics features = self_check(o.input, done);
  save_vgg16(o.output, done.net, provenance(o, source, hash, done));
  if (common().json) return report_json(o, source, hash, done, features);
  report(o, source, hash, done, features);
}

}  // namespace

void add_import(CLI::App& app) {
  Verb verb =
      add_verb(app, "import", "Turn VGG16 weights that other libraries wrote into tinct's",
               {"tinct import vgg16-397923af.pth --arch vgg16 -o vgg16.safetensors",
                ("tinct import model.onnx --arch vgg16 --preprocessing caffe-bgr "
                 "-o vgg16.safetensors"),
                ("tinct import vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 --arch vgg16 "
                 "-o vgg16.safetensors"),
                "tinct import VGG_ILSVRC_16_layers.caffemodel --arch vgg16 -o vgg16.safetensors",
                "tinct import vgg16_bn.pth --arch vgg16_bn --fold-bn -o vgg16.safetensors"});
  auto o = std::make_shared<Options>();
  verb.add_option("FILE", o->input,
                  "safetensors, PyTorch's .pth or .pt, .onnx, Keras's .h5 or .keras, .caffemodel, "
                  ".npz or .npy; none of it is run")
      .required();
  verb.add_option("--arch", o->arch, "What the weights are of")
      .required()
      .one_of({"vgg16", "vgg16_bn"})
      .type_name("ARCH");
  verb.add_option("-o,--output", o->output, "The weights file to write")
      .required()
      .type_name("FILE");
  verb.add_option("--preprocessing", o->preprocessing,
                  "What the weights want done to a picture, where the file does not tell: "
                  "caffe-bgr or torchvision")
      .one_of({"caffe-bgr", "torchvision"})
      .type_name("NAME");
  verb.add_flag("--fold-bn,--fold-batch-norm", o->fold,
                "Fold vgg16_bn's batch norms into its convolutions: the result is a vgg16");
  verb.add_option("--batch-norm-eps", o->epsilon,
                  "What vgg16_bn's batch norms add to a variance, where the file does not say and "
                  "it is not its library's default (Keras 0.001, others 0.00001)")
      .range(1e-12, 1.0)
      .type_name("E");
  verb.add_option("--origin", o->origin, "Where the weights come from, for the metadata");
  verb.add_option("--licence", o->licence, "Their licence, for the metadata");
  verb.add_option("--width-divisor", o->width_divisor, "Channels are 64..512 divided by this")
      .one_of({1, 2, 4, 8, 16, 32, 64})
      .type_name("N");
  verb.callback([o] { run(*o); });
}

}  // namespace tinct
