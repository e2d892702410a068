// The activations that a producing kernel can apply on its way out.
#pragma once

#include <cstdint>

namespace tinct {

enum class Activation : std::uint8_t { none, relu, leaky_relu, sigmoid, tanh };

/// The slope of leaky ReLU below zero.
inline constexpr float kLeakySlope = 0.2f;

}  // namespace tinct
