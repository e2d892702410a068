// The tensors of a source gathered into layers.
#pragma once

#include <string>
#include <vector>

#include "train/import/source.h"

namespace tinct {

struct SourceLayer {
  std::string stem;                          ///< "features.0"; "" where names have none
  const SourceTensor* kernel = nullptr;      ///< the tensor of four extents
  std::vector<const SourceTensor*> vectors;  ///< those of one extent, in order
  std::vector<std::string> roles;            ///< of the vectors; "" where unknown

  /// nullptr when there is none of that role, or two.
  const SourceTensor* vector(const std::string& role) const;
  /// Gamma, beta, mean and variance of a batch norm, by role or else by order; empty when it is
  /// none.
  std::vector<const SourceTensor*> norm() const;
};

/// In the network's order: the source's own, or else by the numbers in the names.
std::vector<SourceLayer> source_layers(const Source& source);

/// "weight" of "features.0.weight", "mean" of "bn1/moving_mean:0"; "" where the name does not say.
std::string role_by_name(const std::string& name);
/// Numbers in names count as numbers: "conv2d_9" comes before "conv2d_10".
bool natural_less(const std::string& a, const std::string& b);

/// "features.#": a name with its numbers struck out.
std::string name_pattern(const std::string& name);

}  // namespace tinct
