// The convolutions that are timed, on every device.
#pragma once

#include <string>

#include "kernels/conv/conv2d.h"

namespace tinct::bench {

/// Square, and padded to keep its size at stride 1.
struct ConvLayer {
  const char* name;
  std::size_t c, k, size, kernel = 3, stride = 1;

  Conv2dShape shape(std::size_t batch) const {
    Conv2dShape s;
    s.n = batch;
    s.h = s.w = size;
    s.c = c;
    s.k = k;
    s.kh = s.kw = kernel;
    s.stride_h = s.stride_w = stride;
    s.pad_top = s.pad_left = (kernel - 1) / 2;
    s.pad_bottom = s.pad_right = (kernel - 1) / 2;
    return s;
  }
  std::string text(std::size_t batch) const {
    return std::string(name) + " " + std::to_string(c) + "->" + std::to_string(k) + " " +
           std::to_string(size) + " b" + std::to_string(batch);
  }
};

/// The thirteen of VGG16 at 224x224.
inline constexpr ConvLayer kVgg16Layers[] = {
    {"conv1_1", 3, 64, 224},    {"conv1_2", 64, 64, 224},  {"conv2_1", 64, 128, 112},
    {"conv2_2", 128, 128, 112}, {"conv3_1", 128, 256, 56}, {"conv3_2", 256, 256, 56},
    {"conv3_3", 256, 256, 56},  {"conv4_1", 256, 512, 28}, {"conv4_2", 512, 512, 28},
    {"conv4_3", 512, 512, 28},  {"conv5_1", 512, 512, 14}, {"conv5_2", 512, 512, 14},
    {"conv5_3", 512, 512, 14},
};

}  // namespace tinct::bench
