// How weights are drawn before training.
//
// Sources: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
// networks", AISTATS 2010 (Xavier); He et al., "Delving Deep into Rectifiers", ICCV 2015 (He).
#pragma once

#include <cstdint>

#include "core/random.h"
#include "core/tensor.h"

namespace tinct {

/// Fans of weights (out,kh,kw,in): fan_in = kh*kw*in, fan_out = kh*kw*out.
enum class InitScheme {
  xavier_uniform,    ///< U(-a, a), a = sqrt(6 / (fan_in + fan_out))
  xavier_normal,     ///< N(0, s), s = sqrt(2 / (fan_in + fan_out))
  he_uniform,        ///< U(-a, a), a = sqrt(6 / fan_in)
  he_normal,         ///< N(0, s), s = sqrt(2 / fan_in)
  fan_in_uniform,    ///< U(-a, a), a = sqrt(1 / fan_in): PyTorch's default for convolutions
  truncated_normal,  ///< N(0, sigma), drawn again beyond two sigma (TensorFlow's truncated_normal)
  normal,            ///< N(0, sigma)
  zeros,             ///< for weights that are filled in afterwards
};

/// Draws tensors, each from a stream of its own: the weights of a model are a pure function of the
/// seed and of the order in which they were drawn.
class Initializer {
 public:
  /// `scheme` is what draw() uses; `sigma` matters to the normal and truncated_normal schemes only.
  explicit Initializer(std::uint64_t seed, InitScheme scheme = InitScheme::he_normal,
                       double sigma = 0.02)
      : seed_(seed), scheme_(scheme), sigma_(sigma) {}

  void set_scheme(InitScheme scheme, double sigma = 0.02);
  /// Weights (out,kh,kw,in) by the current scheme.
  Tensor draw(Shape weights);

  Tensor xavier_uniform(Shape weights, double gain = 1);
  Tensor xavier_normal(Shape weights, double gain = 1);
  Tensor he_uniform(Shape weights);
  Tensor he_normal(Shape weights);
  Tensor fan_in_uniform(Shape weights);
  Tensor truncated_normal(Shape shape, double sigma);
  Tensor normal(Shape shape, double sigma);
  Tensor uniform(Shape shape, double low, double high);
  /// Draws nothing and uses up no stream.
  Tensor constant(Shape shape, float value) const { return Tensor::full(shape, value); }

 private:
  Random next() { return {seed_, Purpose::init, 0, stream_++}; }

  std::uint64_t seed_;
  InitScheme scheme_;
  double sigma_;
  std::uint64_t stream_ = 0;
};

}  // namespace tinct
