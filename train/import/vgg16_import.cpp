// Thirteen convolutions of the right widths in a row, found in one way or not at all.
#include "train/import/vgg16_import.h"

#include <cmath>
#include <functional>
#include <set>

#include "core/error.h"
#include "train/import/layers.h"

namespace tinct {
namespace {

enum class Layout { oihw, hwio, ohwi };
constexpr Layout kLayouts[] = {Layout::oihw, Layout::hwio, Layout::ohwi};

const char* layout_text(Layout layout) {
  if (layout == Layout::oihw) return "OIHW to OHWI";
  return layout == Layout::hwio ? "HWIO to OHWI" : "OHWI as it is";
}

std::vector<std::size_t> expected_extents(Layout layout, std::size_t i, std::size_t divisor) {
  const auto [in, out] = vgg_channels(i, divisor);
  if (layout == Layout::oihw) return {out, in, 3, 3};
  if (layout == Layout::hwio) return {3, 3, in, out};
  return {out, 3, 3, in};
}

class Importer {
 public:
  Importer(const Source& source, const Vgg16ImportOptions& options)
      : source_(source), options_(options), layers_(source_layers(source)) {}

  Vgg16Import run() {
    find_convolutions();
    find_norms();
    import_.net =
        make_vgg16({options_.batch_norm, Preprocessing::caffe_bgr, options_.width_divisor}, 0);
    for (std::size_t i = 0; i < kVggConvolutions; ++i) fill_layer(i);
    decide_preprocessing();
    if (options_.batch_norm) decide_epsilon();
    if (options_.fold) fold();
    for (const SourceTensor& t : source_.tensors) {
      if (!used_.contains(&t)) import_.left_over.push_back({"", t.name, t.extents});
    }
    import_.notes.insert(import_.notes.begin(), source_.notes.begin(), source_.notes.end());
    return std::move(import_);
  }

 private:
  void find_convolutions() {
    std::vector<const SourceLayer*> kernels;
    for (const SourceLayer& l : layers_) {
      if (l.kernel != nullptr) kernels.push_back(&l);
    }
    std::size_t ways = 0, furthest = 0;
    std::string stopped_at = "the file holds no kernels";
    for (const Layout layout : kLayouts) {
      for (std::size_t begin = 0; begin < kernels.size(); ++begin) {
        std::size_t i = 0;
        while (i < kVggConvolutions && begin + i < kernels.size() &&
               kernels[begin + i]->kernel->extents ==
                   expected_extents(layout, i, options_.width_divisor)) {
          ++i;
        }
        if (i < kVggConvolutions &&
            (i > furthest || (i == 0 && begin == 0 && layout == Layout::oihw))) {
          furthest = i;
          stopped_at = mismatch(kernels, begin + i, layout, i);
        }
        if (i < kVggConvolutions) continue;
        ++ways;
        refuse_twins(kernels, begin);
        layout_ = layout;
        chosen_.assign(kernels.begin() + static_cast<std::ptrdiff_t>(begin),
                       kernels.begin() + static_cast<std::ptrdiff_t>(begin + i));
      }
    }
    if (ways == 0) {
      throw WeightsError("it holds no VGG16: of its " + std::to_string(kernels.size()) +
                         " convolutions at most " + std::to_string(furthest) +
                         " in a row fit, 13 are needed (" + stopped_at + ")");
    }
    if (ways > 1) {
      throw WeightsError("VGG16's 13 convolutions fit in " + std::to_string(ways) +
                         " places: which is meant cannot be told");
    }
    check_order();
    import_.layout = layout_text(layout_);
  }

  std::string mismatch(const std::vector<const SourceLayer*>& kernels, std::size_t at,
                       Layout layout, std::size_t i) const {
    const std::string wanted = vgg_layer_name(i) + " would be " +
                               extents_text(expected_extents(layout, i, options_.width_divisor));
    if (at >= kernels.size()) return wanted + " and is not there";
    const SourceTensor& there = *kernels[at]->kernel;
    return wanted + ", \"" + there.name + "\" is " + extents_text(there.extents);
  }

  // One layer more of the first's or last's shape just before or after the thirteen: any of them
  // may be the one that is none of VGG16's, unless names of another kind tell.
  void refuse_twins(const std::vector<const SourceLayer*>& kernels, std::size_t begin) const {
    const std::size_t end = begin + kVggConvolutions;
    std::set<std::string> patterns;
    for (std::size_t i = begin; i < end; ++i)
      patterns.insert(name_pattern(kernels[i]->kernel->name));
    const auto check = [&](std::size_t other, std::size_t of) {
      const SourceTensor &extra = *kernels[other]->kernel, &ours = *kernels[of]->kernel;
      if (extra.extents != ours.extents) return;
      if (patterns.size() <= 2 && !patterns.contains(name_pattern(extra.name))) return;
      throw WeightsError("\"" + extra.name + "\" " + extents_text(extra.extents) +
                         " is a layer too many: which 13 in a row are VGG16's cannot be told");
    };
    if (begin > 0) check(begin - 1, begin);
    if (end < kernels.size()) check(end, end - 1);
  }

  // Five layers have one shape. Where the file has no order, numbers in one pattern of names must
  // tell it.
  void check_order() const {
    if (source_.order == SourceOrder::network) return;
    const std::string pattern = name_pattern(chosen_[0]->kernel->name);
    for (const SourceLayer* layer : chosen_) {
      if (name_pattern(layer->kernel->name) != pattern || pattern.find('#') == std::string::npos) {
        throw WeightsError("the order of its layers cannot be told from names like \"" +
                           chosen_[0]->kernel->name + "\" and \"" + layer->kernel->name + "\"");
      }
    }
  }

  void find_norms() {
    std::vector<std::vector<const SourceTensor*>> norms;
    for (const SourceLayer& l : layers_) {
      if (auto norm = l.norm(); !norm.empty()) norms.push_back(std::move(norm));
    }
    std::size_t ways = 0;
    for (std::size_t begin = 0; begin + kVggConvolutions <= norms.size(); ++begin) {
      std::size_t i = 0;
      while (i < kVggConvolutions &&
             norms[begin + i][0]->extents[0] == vgg_channels(i, options_.width_divisor)[1]) {
        ++i;
      }
      if (i < kVggConvolutions) continue;
      ++ways;
      norms_.assign(norms.begin() + static_cast<std::ptrdiff_t>(begin),
                    norms.begin() + static_cast<std::ptrdiff_t>(begin + i));
    }
    if (!options_.batch_norm && ways > 0) {
      throw WeightsError("it has batch norms: import it as vgg16_bn");
    }
    if (options_.batch_norm && ways != 1) {
      throw WeightsError("its 13 batch norms " +
                         std::string(ways == 0 ? "are not there" : "fit in several places"));
    }
  }

  std::vector<float> numbers(const SourceTensor& t) const {
    std::vector<float> out = read_numbers(t);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!std::isfinite(out[i])) {
        throw WeightsError("tensor \"" + t.name +
                           "\" holds a value that is not finite, at element " + std::to_string(i));
      }
    }
    return out;
  }

  void note(const std::string& ours, const SourceTensor& theirs) {
    import_.mapped.push_back({ours, theirs.name, theirs.extents});
    used_.insert(&theirs);
  }

  void fill_vector(Value target, const std::string& ours, const SourceTensor& theirs) {
    const std::vector<float> from = numbers(theirs);
    if (from.size() != target.shape().c) {
      throw WeightsError("tensor \"" + theirs.name + "\" is " + extents_text(theirs.extents) +
                         ", " + ours + " wants " + std::to_string(target.shape().c));
    }
    std::copy(from.begin(), from.end(), target.mutable_data().f32());
    note(ours, theirs);
  }

  void fill_kernel(Value target, const std::string& ours, const SourceTensor& theirs) {
    const std::vector<float> from = numbers(theirs);
    const Shape s = target.shape();
    float* to = target.mutable_data().f32();
    for (std::size_t o = 0; o < s.n; ++o) {
      for (std::size_t y = 0; y < 3; ++y) {
        for (std::size_t x = 0; x < 3; ++x) {
          for (std::size_t i = 0; i < s.c; ++i) {
            const std::size_t ohwi = ((o * 3 + y) * 3 + x) * s.c + i;
            const std::size_t oihw = ((o * s.c + i) * 3 + y) * 3 + x;
            const std::size_t hwio = ((y * 3 + x) * s.c + i) * s.n + o;
            to[ohwi] = from[layout_ == Layout::oihw ? oihw : layout_ == Layout::hwio ? hwio : ohwi];
          }
        }
      }
    }
    note(ours, theirs);
  }

  // A convolution's bias by its role, or the only vector that came with the kernel.
  const SourceTensor* bias_of(const SourceLayer& layer) const {
    if (const SourceTensor* bias = layer.vector("bias"); bias != nullptr) return bias;
    const SourceTensor* only = layer.vector("");
    return layer.vectors.size() == 1 ? only : nullptr;
  }

  void fill_layer(std::size_t i) {
    const std::string name = vgg_layer_name(i);
    Conv2d& conv = import_.net.convolutions[i];
    fill_kernel(conv.weight, name + ".weight", *chosen_[i]->kernel);
    if (const SourceTensor* bias = bias_of(*chosen_[i]); bias != nullptr) {
      fill_vector(conv.bias, name + ".bias", *bias);
    } else if (!options_.batch_norm) {
      throw WeightsError("the bias of \"" + chosen_[i]->kernel->name + "\" is not there");
    } else {
      import_.missing.push_back(name + ".bias");
    }
    if (!options_.batch_norm) return;
    const BatchNorm& norm = import_.net.norms[i];
    const std::string prefix = "norm" + name.substr(4) + ".";
    fill_vector(norm.gamma, prefix + "gamma", *norms_[i][0]);
    fill_vector(norm.beta, prefix + "beta", *norms_[i][1]);
    fill_vector(norm.running_mean, prefix + "running_mean", *norms_[i][2]);
    fill_vector(norm.running_var, prefix + "running_var", *norms_[i][3]);
    for (std::size_t c = 0; c < norm.running_var.shape().c; ++c) {
      if (!(norm.running_var.data().f32()[c] >= 0)) {
        throw WeightsError("tensor \"" + norms_[i][3]->name + "\" holds a negative variance");
      }
    }
  }

  // Whether conv1_1's input channel c is the first channel that Oxford published: blue.
  bool starts_like_oxford(std::size_t c) const {
    if (options_.width_divisor != 1 || options_.batch_norm) return false;
    const float first[] = {0.42947057f, 0.11727387f, 0.03401296f};
    const float* w = import_.net.convolutions[0].weight.data().f32();
    for (std::size_t o = 0; o < 3; ++o) {
      if (!(std::abs(w[o * 27 + c] - first[o]) <= 1e-6f)) return false;
    }
    return true;
  }

  void decide_preprocessing() {
    Preprocessing& decided = import_.net.config.preprocessing;
    import_.first_layer = "as it is";
    import_.oxford = starts_like_oxford(0) || starts_like_oxford(2);
    if (import_.oxford && starts_like_oxford(2)) {
      float* w = import_.net.convolutions[0].weight.mutable_data().f32();
      for (std::size_t i = 0; i < 64 * 27; i += 3) std::swap(w[i], w[i + 2]);
      import_.first_layer = "input channels R, G, B put in the order B, G, R";
    }
    if (import_.oxford) {
      decided = Preprocessing::caffe_bgr;
      import_.preprocessing_from = "these are the weights that Oxford published";
      if (options_.preprocessing && *options_.preprocessing != decided) {
        throw WeightsError("these are the weights that Oxford published: their preprocessing is " +
                           std::string("caffe-bgr"));
      }
      return;
    }
    const std::string pattern = name_pattern(chosen_[0]->kernel->name);
    if (options_.preprocessing) {
      decided = *options_.preprocessing;
      import_.preprocessing_from = "as asked for";
    } else if (!source_.preprocessing.empty()) {
      decided = parse_preprocessing(source_.preprocessing);
      import_.preprocessing_from = "the format's convention";
    } else if (pattern.find("features.#") != std::string::npos) {
      decided = Preprocessing::torchvision;
      import_.preprocessing_from = "the names are torchvision's";
    } else if (pattern.find("block#_conv#") != std::string::npos) {
      decided = Preprocessing::caffe_bgr;
      import_.preprocessing_from = "the names are Keras's";
    } else {
      throw WeightsError("which preprocessing its weights want cannot be told from names like \"" +
                         chosen_[0]->kernel->name +
                         "\": say --preprocessing caffe-bgr or torchvision");
    }
  }

  // What a file does not say is its library's default; Keras's moving_variance is found in .npz
  // too.
  double epsilon_of(const SourceTensor& variance) const {
    if (variance.epsilon > 0) return variance.epsilon;
    return variance.name.find("moving_variance") != std::string::npos ? 1e-3 : source_.epsilon;
  }

  // tinct's batch norms have one epsilon, PyTorch's. A variance plus theirs is the same number as
  // the variance plus the difference, plus tinct's.
  void decide_epsilon() {
    std::set<double> all;
    for (std::size_t i = 0; i < kVggConvolutions; ++i) {
      const double theirs = options_.epsilon ? *options_.epsilon : epsilon_of(*norms_[i][3]);
      BatchNorm& norm = import_.net.norms[i];
      all.insert(theirs);
      if (std::abs(theirs - static_cast<double>(norm.eps)) < 1e-10) continue;
      float* variance = norm.running_var.mutable_data().f32();
      for (std::size_t c = 0; c < norm.running_var.shape().c; ++c) {
        const double moved = variance[c] + theirs - static_cast<double>(norm.eps);
        if (!(moved >= 0)) throw WeightsError("a batch norm's variance is too near to nought");
        variance[c] = static_cast<float>(moved);
      }
    }
    if (all.size() > 1)
      throw WeightsError("its batch norms have several epsilons: say --batch-norm-eps");
    import_.epsilon = *all.begin();
    import_.epsilon_from = options_.epsilon            ? "as asked for"
                           : norms_[0][3]->epsilon > 0 ? "as the file says"
                                                       : "its library's default";
    if (!(std::abs(import_.epsilon - 1e-5) < 1e-10) && !options_.fold) {
      import_.notes.emplace_back(
          "the running variances take up the difference to tinct's epsilon of 1e-05");
    }
  }

  // gamma (conv(x) - mean) / sqrt(variance + eps) + beta, as one convolution.
  void fold() {
    Vgg16Config config = import_.net.config;
    config.batch_norm = false;
    Vgg16 plain = make_vgg16(config, 0);
    for (std::size_t i = 0; i < kVggConvolutions; ++i) {
      const Tensor& w = import_.net.convolutions[i].weight.data();
      const float* bias = import_.net.convolutions[i].bias.data().f32();
      const BatchNorm& norm = import_.net.norms[i];
      float* to = plain.convolutions[i].weight.mutable_data().f32();
      float* to_bias = plain.convolutions[i].bias.mutable_data().f32();
      const std::size_t row = w.size() / w.shape().n;
      for (std::size_t o = 0; o < w.shape().n; ++o) {
        const double variance = norm.running_var.data().f32()[o];
        const double factor = norm.gamma.data().f32()[o] / std::sqrt(variance + norm.eps);
        for (std::size_t k = o * row; k < (o + 1) * row; ++k) {
          to[k] = static_cast<float>(w.f32()[k] * factor);
        }
        to_bias[o] = static_cast<float>((bias[o] - norm.running_mean.data().f32()[o]) * factor +
                                        norm.beta.data().f32()[o]);
      }
    }
    import_.net = std::move(plain);
    import_.notes.emplace_back("the batch norms are folded into the convolutions");
  }

  const Source& source_;
  const Vgg16ImportOptions& options_;
  std::vector<SourceLayer> layers_;
  std::vector<const SourceLayer*> chosen_;
  std::vector<std::vector<const SourceTensor*>> norms_;
  Layout layout_ = Layout::oihw;
  std::set<const SourceTensor*> used_;
  Vgg16Import import_;
};

}  // namespace

Vgg16Import import_vgg16(const Source& source, const Vgg16ImportOptions& options) {
  return Importer(source, options).run();
}

std::array<std::array<double, 2>, 5> feature_statistics(const Vgg16& net) {
  Tensor x({1, 32, 32, 3});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t row = i / 96, column = i / 3 % 32, channel = i % 3;
    x.f32()[i] = static_cast<float>((7 * row + 11 * column + 5 * channel) % 32) / 31.0f;
  }
  const NoGrad no_grad;
  const VggTaps taps = net(Value(x));
  std::array<std::array<double, 2>, 5> out{};
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const Tensor& t = taps[i].data();
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < t.size(); ++k) {
      sum += t.f32()[k];
      squares += double{t.f32()[k]} * t.f32()[k];
    }
    const double count = static_cast<double>(t.size());
    out[i] = {sum / count, std::sqrt(std::max(0.0, squares / count - sum * sum / count / count))};
  }
  return out;
}

}  // namespace tinct
