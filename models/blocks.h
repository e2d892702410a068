// The blocks that the networks are made of.
#pragma once

#include <string>

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/module.h"

namespace tinct {

/// Convolution without bias, batch norm, ReLU.
struct ConvBlock {
  Conv2d conv;
  BatchNorm norm;

  Value operator()(const Value& x, const Mode& mode) const;
  void collect(Parameters& out, const std::string& prefix) const;
};
ConvBlock make_conv_block(std::size_t in, std::size_t out, std::size_t kernel, std::size_t stride,
                          Initializer& init);

/// Adds to every pixel what the picture as a whole says: x + W relu(V mean(x)), W and V fully
/// connected. Colour needs the scene: the same grey is grass in a meadow and cloth in a room.
struct GlobalContext {
  Conv2d squeeze;
  Conv2d expand;

  Value operator()(const Value& x) const;
  void collect(Parameters& out, const std::string& prefix) const;
};
GlobalContext make_global_context(std::size_t channels, Initializer& init);

}  // namespace tinct
