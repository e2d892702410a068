// What training and the tools need to know of a network: one face for every architecture.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/autograd.h"
#include "core/safetensors.h"
#include "layers/module.h"
#include "models/storage.h"
#include "models/vgg16.h"

namespace tinct {

/// How a network says what colour a pixel has.
enum class Head {
  regression,  ///< (n,h,w,2): a colour in ModelInfo::space
  binned,      ///< (n,h/s,w/s,q): logits over ab bins, s = ModelInfo::head_stride
};

/// The colour that a regression head predicts.
enum class ChromaSpace {
  lab,    ///< ab / 110
  ycbcr,  ///< JPEG's Cb and Cr in 0..1, neutral at 128/255
};

/// The grey picture of a photograph that a network learns from.
enum class Grey {
  lightness,  ///< the one that has its L
  rgb_mean,   ///< (R + G + B) / 3, gamma-encoded; a ycbcr head takes it for Y as well
};

/// Network units of chroma: ab / kChromaScale lies within -1..1.
inline constexpr float kChromaScale = 110.0f;

struct ModelInfo {
  std::string preset;  ///< "unet-small"
  Head head = Head::regression;
  ChromaSpace space = ChromaSpace::lab;  ///< of a regression head
  Grey grey = Grey::lightness;
  std::size_t multiple = 1;  ///< input height and width must be multiples of this
  std::size_t head_stride = 1;
  Tensor bins;  ///< (1,1,q,2): ab of each bin, for a binned head
  /// Names of the taps that hold logits over bins of ab, where the output itself does not: those of
  /// a merged model's binned parts (models/ensemble.h).
  std::vector<std::string> logits;
  /// Predicted chroma is multiplied by this. A network trained on squared error hedges towards
  /// grey; the factor gives back some of the colour that it withholds.
  float chroma_gain = 1;
  /// And then each picture's by up to this many ab units (lifted() in train/chroma.h).
  float chroma_lift = 0;
  /// Of a binned head's annealed mean: 1 is the mean of the distribution, towards 0 its mode.
  float temperature = 0.38f;
  /// Mean colourfulness of the photographs that it learnt from (train/metrics.h); 0: not known.
  float train_colourfulness = 0;
  /// Whether anything in it says how likely colours are, so how sure it is.
  bool has_distribution() const { return head == Head::binned || !logits.empty(); }
  /// What a weights file must say beside the preset's name, so that load_model builds the same.
  Metadata settings;
};

/// Activations by layer name, filled by a forward pass when asked for.
using Taps = NamedTensors;

/// Owns its parameters (shared with what `forward` captured).
struct Model {
  ModelInfo info;
  Parameters parameters;  ///< trainable values and buffers, by name, in the architecture's order
  /// x (n,h,w,1), lightness scaled to (L - 50) / 50. `taps` may be null. In training the output of
  /// a model of several members is theirs one after another, (members n,…).
  std::function<Value(const Value& x, const Mode& mode, Taps* taps)> forward;
  /// Where layers are frozen, what they make of x, which is all that `forward_from` and `forward`
  /// need of them: maps (n,…), of which some may be empty. forward(x) is forward_from(x,
  /// frozen(x)). Both are empty where nothing is frozen.
  std::function<std::vector<Value>(const Value& x)> frozen;
  std::function<Value(const Value& x, const std::vector<Value>& seen, const Mode& mode)>
      forward_from;
};

/// Where the model's parameters are, and where the input of `forward` must be.
Device device_of(const Model& model);
/// Moves parameters and buffers; gradients are left behind.
void move_to(const Parameters& parameters, Device device);

struct Vgg16;

/// What presets leave open; each network takes what it has (models/vgg_unet.h).
struct ModelOptions {
  std::string vgg16;  ///< weights file that the backbone starts from; empty: drawn anew
  std::shared_ptr<const Vgg16> network;  ///< a backbone to share with other models, or null
  Vgg16Config backbone;                  ///< without such a file
  InitScheme backbone_init = InitScheme::he_normal;  ///< zeros where it is filled in afterwards
  bool finetune = false;                             ///< otherwise the backbone is frozen
  float dropout = 0.2f;                              ///< of the backbone's taps, in training
  std::size_t blocks = 5;                            ///< of the backbone
  std::size_t stride = 4;                            ///< at which chroma is predicted
  std::size_t members = 1;                           ///< decoders whose answers are averaged
  std::array<std::size_t, 5> widths = {0, 32, 64, 128, 128};  ///< of the taps, finest first
  Tensor bins;  ///< (1,1,q,2) for a preset whose bins come from the data; empty: Zhang's
};

/// Builds a preset with freshly drawn weights. Throws std::invalid_argument for a name that is not
/// in presets() and for options that cannot be; WeightsError and IoError for the backbone's file.
Model make_model(const std::string& preset, std::uint64_t seed, const ModelOptions& options = {});

struct PresetInfo {
  std::string name;
  std::string summary;        ///< one line
  bool backbone = false;      ///< starts from VGG16's weights
  bool bins_of_data = false;  ///< takes ModelOptions::bins
};
const std::vector<PresetInfo>& presets();
/// Throws std::invalid_argument for a name that is not in presets().
const PresetInfo& find_preset(const std::string& name);

/// Rebuilds the model that a weights file's metadata names and fills in its tensors.
/// Throws WeightsError when tensors are missing, unexpected, of another shape or not finite;
/// IoError.
Model load_model(const std::string& path);
/// Fills in a model's tensors from a file, with the checks of load_model.
void load_parameters(const SafetensorsFile& file, Model& model);
/// The same for parameters by name; `network` is what messages call their owner.
void load_parameters(const SafetensorsFile& file, const Parameters& parameters,
                     const std::string& network);
/// Writes parameters and buffers; `extra` joins the metadata (preset, head, colour space, scaling,
/// grey). load_model widens what is stored in fewer bits.
void save_model(const std::string& path, const Model& model, const Metadata& extra = {},
                Storage storage = Storage::f32);
/// What save_model writes as metadata.
Metadata describe(const Model& model);

}  // namespace tinct
