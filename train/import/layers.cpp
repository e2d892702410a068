// Which tensors belong together, and in what order layers come.
#include "train/import/layers.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace tinct {
namespace {

struct NameParts {
  std::string stem, role;
};

// "features.0.weight" -> "features.0", "weight".
NameParts split_name(std::string name) {
  static const std::vector<std::pair<std::string, std::string>> roles = {
      {"running_mean", "mean"},
      {"moving_mean", "mean"},
      {"running_var", "variance"},
      {"moving_variance", "variance"},
      {"num_batches_tracked", "count"},
      {"weight", "weight"},
      {"kernel", "weight"},
      {"bias", "bias"},
      {"gamma", "gamma"},
      {"beta", "beta"},
      {"W", "weight"},
      {"b", "bias"}};
  if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0) name.resize(name.size() - 2);
  for (const auto& [word, role] : roles) {
    if (name.size() <= word.size() + 1) continue;
    const std::size_t at = name.size() - word.size() - 1;
    if (name.compare(at + 1, word.size(), word) != 0) continue;
    if (name[at] == '.' || name[at] == '/' || name[at] == '_') return {name.substr(0, at), role};
  }
  return {"", ""};
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

std::string role_by_name(const std::string& name) {
  return split_name(name).role;
}

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto end_of = [](const std::string& s, std::size_t at) {
        while (at < s.size() && is_digit(s[at])) ++at;
        return at;
      };
      const std::size_t end_i = end_of(a, i), end_j = end_of(b, j);
      while (i + 1 < end_i && a[i] == '0') ++i;
      while (j + 1 < end_j && b[j] == '0') ++j;
      if (end_i - i != end_j - j) return end_i - i < end_j - j;
      const int order = a.compare(i, end_i - i, b, j, end_j - j);
      if (order != 0) return order < 0;
      i = end_i;
      j = end_j;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

const SourceTensor* SourceLayer::vector(const std::string& role) const {
  const SourceTensor* found = nullptr;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (roles[i] != role) continue;
    if (found != nullptr) return nullptr;
    found = vectors[i];
  }
  return found;
}

std::vector<const SourceTensor*> SourceLayer::norm() const {
  if (kernel != nullptr) return {};
  const SourceTensor* gamma = vector("gamma") != nullptr ? vector("gamma") : vector("weight");
  const SourceTensor* beta = vector("beta") != nullptr ? vector("beta") : vector("bias");
  std::vector<const SourceTensor*> out = {gamma, beta, vector("mean"), vector("variance")};
  for (const SourceTensor* t : out) {
    if (t == nullptr || t->extents != out[0]->extents) return {};
  }
  return out;
}

std::vector<SourceLayer> source_layers(const Source& source) {
  std::vector<const SourceTensor*> tensors;
  for (const SourceTensor& t : source.tensors) tensors.push_back(&t);
  if (source.order == SourceOrder::none) {
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const auto* a, const auto* b) { return natural_less(a->name, b->name); });
  }
  std::vector<SourceLayer> layers;
  std::map<std::string, std::size_t> by_stem;
  for (const SourceTensor* t : tensors) {
    NameParts parts = t->role.empty() ? split_name(t->name) : NameParts{"", t->role};
    const bool starts = layers.empty() || !layers.back().stem.empty() || t->extents.size() > 1 ||
                        parts.role == "gamma";
    std::size_t at = layers.size();
    if (!parts.stem.empty()) {
      at = by_stem.emplace(parts.stem, at).first->second;
    } else if (!starts) {
      at = layers.size() - 1;
    }
    if (at == layers.size()) layers.push_back({parts.stem, nullptr, {}, {}});
    SourceLayer& layer = layers[at];
    if (t->extents.size() == 4 && layer.kernel == nullptr) layer.kernel = t;
    if (t->extents.size() != 1) continue;
    layer.vectors.push_back(t);
    layer.roles.push_back(parts.role);
  }
  return layers;
}

std::string name_pattern(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (!is_digit(c)) {
      out += c;
    } else if (out.empty() || out.back() != '#') {
      out += '#';
    }
  }
  return out;
}

}  // namespace tinct
