// How precisely the layers with weights multiply on a device.
#pragma once

#include <string>

#include "core/autograd.h"

namespace tinct {

/// f32: everything in f32. tf32: convolutions multiply on tensor cores, in 11 bits. bf16: maps,
/// their gradients and copies of the weights are stored as bf16 (8 bits of precision, the range of
/// f32) and multiplied on tensor cores; sums, weights, their gradients, batch norm's figures and
/// losses stay f32. The host computes in f32 whatever is set.
enum class Precision { f32, tf32, bf16 };
std::string to_string(Precision precision);

/// "f32", "tf32" or "bf16" for that device. Throws std::invalid_argument, with what there is, for
/// other names and for tf32 and bf16 on the host.
Precision find_precision(const std::string& name, Device device);

/// From now on, on any thread; f32 at first.
void set_precision(Precision precision);
Precision precision();

/// Sets it while it lives.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision now) : before_(precision()) { set_precision(now); }
  ~PrecisionScope() { set_precision(before_); }
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  Precision before_;
};

/// x as a layer with weights takes it: cast to bf16 on a device under Precision::bf16.
Value product_input(const Value& x);

}  // namespace tinct
