// Keras's weights in HDF5: what save_weights wrote in Keras 1 and 2, whole models, and Keras 3's
// .weights.h5. Formats: keras/src/legacy/saving/legacy_h5_format.py,
// keras/src/saving/saving_lib.py.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "train/import/hdf5.h"
#include "train/import/layers.h"
#include "train/import/source.h"
#include "train/import/zip.h"

namespace tinct {
namespace {

constexpr double kKerasEpsilon = 1e-3;  // of BatchNormalization, where nothing else is said
constexpr const char* kNormRoles[] = {"gamma", "beta", "mean", "variance"};

class KerasReader {
 public:
  KerasReader(Source& source, std::string_view file) : source_(source), file_(file) {}

  void read() {
    source_.epsilon = kKerasEpsilon;
    const Hdf5Object& root = file_.objects().front();
    if (names_of(root, "layer_names").empty()) {
      const Hdf5Object* model = file_.find("model_weights");
      if (model == nullptr) return read_keras3();
      source_.format = "Keras HDF5 (model)";
      if (const std::string text = text_of(root, "model_config"); !text.empty()) {
        add_epsilons(text);
      }
      read_layers(*model);
    } else {
      source_.format = "Keras HDF5 (weights)";
      read_layers(root);
    }
  }

  // The epsilons of the batch norms, by layer, from a model's configuration.
  void add_epsilons(const std::string& model_config) {
    const nlohmann::json config = nlohmann::json::parse(model_config, nullptr, false);
    if (config.is_discarded()) throw WeightsError("Keras: the model's configuration is malformed");
    std::vector<const nlohmann::json*> open = {&config};
    while (!open.empty()) {
      const nlohmann::json& json = *open.back();
      open.pop_back();
      if (!json.is_structured()) continue;
      for (const nlohmann::json& member : json) open.push_back(&member);
      if (!json.is_object() || json.value("class_name", nlohmann::json()) != "BatchNormalization") {
        continue;
      }
      const nlohmann::json layer = json.value("config", nlohmann::json::object());
      if (!layer.is_object() || !layer.contains("name") || !layer.contains("epsilon")) continue;
      if (!layer["name"].is_string() || !layer["epsilon"].is_number()) continue;
      epsilons_[layer["name"].get<std::string>()] = layer["epsilon"].get<double>();
    }
  }

 private:
  // A list of names; long ones are split into name0, name1, …
  static std::vector<std::string> names_of(const Hdf5Object& object, const std::string& attribute) {
    std::vector<std::string> out;
    const auto add = [&](const std::string& name) {
      const auto found = object.texts.find(name);
      if (found == object.texts.end()) return false;
      out.insert(out.end(), found->second.begin(), found->second.end());
      return true;
    };
    if (add(attribute)) return out;
    for (std::size_t i = 0; add(attribute + std::to_string(i)); ++i) {
    }
    return out;
  }

  static std::string text_of(const Hdf5Object& object, const std::string& attribute) {
    const auto found = object.texts.find(attribute);
    return found != object.texts.end() && found->second.size() == 1 ? found->second[0] : "";
  }

  void add(const Hdf5Object& from, const std::string& name, const std::string& role,
           const std::string& layer) {
    Hdf5Object object = from;
    if (text_of(from, "dtype") == "bfloat16" && from.dataset.type.size == 2) {
      object.dataset.type.dtype = "BF16";
    }
    SourceTensor t;
    t.name = name;
    t.extents = object.dataset.extents;
    t.strides = dense_strides(t.extents);
    t.dtype = object.dataset.type.dtype;
    t.bytes = file_.numbers(object, source_.buffers);
    t.role = role;
    // A model inside a model has its weights under its own name: "norm_1/gamma:0".
    for (const std::string& key : {name.substr(0, name.find('/')), layer}) {
      const auto found = epsilons_.find(key);
      if (found != epsilons_.end()) t.epsilon = found->second;
    }
    add_tensor(source_, std::move(t));
  }

  // "layer_names" and "weight_names" have the network's order, names say what they please.
  void read_layers(const Hdf5Object& group) {
    if (text_of(group, "backend") == "theano") {
      throw WeightsError(
          "Keras wrote it with Theano, whose kernels are mirrored: load and save it "
          "with another backend first");
    }
    if (const std::string version = text_of(group, "keras_version"); !version.empty()) {
      source_.notes.push_back("written by Keras " + version.substr(0, 20));
    }
    const std::vector<std::string> layers = names_of(group, "layer_names");
    if (layers.empty()) throw WeightsError("Keras: it names no layers");
    const std::string prefix = group.path.empty() ? "" : group.path + "/";
    for (const std::string& layer : layers) {
      const Hdf5Object* object = file_.find(prefix + layer);
      if (object == nullptr) throw WeightsError("Keras: layer \"" + layer + "\" is not there");
      read_layer(*object, layer);
    }
  }

  [[noreturn]] static void refuse_missing(const std::string& weight, const std::string& layer) {
    throw WeightsError("Keras: weight \"" + weight + "\" of layer \"" + layer + "\" is not there");
  }

  void read_layer(const Hdf5Object& group, const std::string& layer) {
    const std::vector<std::string> names = names_of(group, "weight_names");
    std::vector<const Hdf5Object*> weights;
    bool telling = true;
    for (const std::string& name : names) {
      weights.push_back(file_.find(group.path + "/" + name));
      if (weights.back() == nullptr) refuse_missing(name, layer);
      refuse_theano(*weights.back());
      telling = telling && !role_by_name(name).empty();
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      add(*weights[i], names[i], telling ? "" : role_by_place(weights, i), layer);
    }
  }

  // Keras 1 could keep kernels as (out, in, h, w), and then mirrored or not: nothing tells.
  static void refuse_theano(const Hdf5Object& object) {
    const std::vector<std::size_t>& e = object.dataset.extents;
    if (e.size() == 4 && e[2] == 3 && e[3] == 3 && !(e[0] == 3 && e[1] == 3)) {
      throw WeightsError("Keras: \"" + object.path + "\" " + extents_text(e) +
                         " is a kernel in Theano's order, which may be mirrored: load and save it "
                         "with Keras 2 first");
    }
  }

  // A layer's weights come kernel, bias, or gamma, beta, moving mean, moving variance.
  static std::string role_by_place(const std::vector<const Hdf5Object*>& weights, std::size_t i) {
    const auto rank = [&](std::size_t k) { return weights[k]->dataset.extents.size(); };
    if (weights.size() <= 2 && rank(0) > 1) return i == 0 ? "weight" : "bias";
    bool norm = weights.size() == 4;
    for (const Hdf5Object* w : weights) {
      norm = norm && w->dataset.extents.size() == 1 &&
             w->dataset.extents == weights[0]->dataset.extents;
    }
    return norm ? kNormRoles[i] : "";
  }

  // Groups end in "vars" and hold weights by number; groups are called by their layers' classes,
  // counted: conv2d, conv2d_1, … A layer's own name is an attribute.
  void read_keras3() {
    source_.format = "Keras 3 HDF5 (weights)";
    std::vector<const Hdf5Object*> groups;
    for (const Hdf5Object& o : file_.objects()) {
      const std::size_t slash = o.path.rfind('/');
      if (!o.is_dataset && slash != std::string::npos && o.path.substr(slash) == "/vars") {
        groups.push_back(&o);
      }
    }
    if (groups.empty()) throw WeightsError("an HDF5 file that Keras did not write");
    std::stable_sort(groups.begin(), groups.end(), [](const Hdf5Object* a, const Hdf5Object* b) {
      return natural_less(a->path, b->path);
    });
    std::set<std::string> classes;  // of layers with kernels
    for (const Hdf5Object* group : groups) {
      if (group->path.rfind("optimizer/", 0) == 0) continue;
      std::vector<const Hdf5Object*> weights;
      while (const Hdf5Object* o = file_.find(group->path + "/" + std::to_string(weights.size()))) {
        weights.push_back(o);
      }
      const std::string layer = text_of(*group, "name");
      for (std::size_t i = 0; i < weights.size(); ++i) {
        std::string name = weights[i]->path;
        if (!layer.empty() && name.find(layer + "/vars") == std::string::npos) {
          name += " (" + layer + ")";
        }
        if (weights[i]->dataset.extents.size() == 4) classes.insert(class_of(group->path));
        add(*weights[i], name, role_by_place(weights, i), layer);
      }
    }
    source_.order = classes.size() <= 1 ? SourceOrder::network : SourceOrder::none;
  }

  // "layers/conv2d" of "layers/conv2d_12/vars".
  static std::string class_of(std::string path) {
    path.resize(path.size() - std::string("/vars").size());
    const std::size_t digits = path.find_last_not_of("0123456789");
    if (digits != std::string::npos && digits + 1 < path.size() && path[digits] == '_') {
      path.resize(digits);
    }
    return path;
  }

  Source& source_;
  Hdf5File file_;
  std::map<std::string, double> epsilons_;  // by layer
};

}  // namespace

void read_keras(Source& source) {
  KerasReader(source, source.buffers.front()).read();
}

// A .keras archive: model.weights.h5, and config.json as in a whole model.
void read_keras_zip(Source& source, const std::vector<ZipMember>& members,
                    const ZipMember& weights) {
  std::string_view file;
  if (weights.method == 0) {
    file = stored_bytes(weights);
  } else {
    source.buffers.push_back(unpack(weights));
    file = source.buffers.back();
  }
  KerasReader reader(source, file);
  for (const ZipMember& m : members) {
    if (m.name == "config.json") reader.add_epsilons(unpack(m));
  }
  reader.read();
  source.format = "Keras 3 archive (.keras)";
}

}  // namespace tinct
