// What convolutions must give, in float64, at a few places of the result: what ref::conv2d computes
// everywhere would take minutes for a layer of VGG16.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "kernels/conv/conv2d.h"

namespace tinct::bench {

/// The number at an index of an array.
using NumberAt = std::function<float(std::size_t)>;

struct Sample {
  std::size_t index = 0;
  double expected = 0;
};

/// Of y = relu(conv(x, w) + bias), or without ReLU; the corners are among them.
std::vector<Sample> forward_samples(const Conv2dShape& s, const NumberAt& x, const NumberAt& w,
                                    const NumberAt& bias, bool relu);
std::vector<Sample> backward_data_samples(const Conv2dShape& s, const NumberAt& dy,
                                          const NumberAt& w);
std::vector<Sample> backward_weights_samples(const Conv2dShape& s, const NumberAt& x,
                                             const NumberAt& dy);

}  // namespace tinct::bench
