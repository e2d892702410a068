// The precision that is set.
#include "layers/precision.h"

#include <atomic>
#include <stdexcept>

#include "kernels/conv/conv2d.h"
#include "layers/cast.h"

namespace tinct {
namespace {

std::atomic<Precision> current{Precision::f32};

}  // namespace

std::string to_string(Precision precision) {
  return precision == Precision::f32 ? "f32" : precision == Precision::tf32 ? "tf32" : "bf16";
}

Precision find_precision(const std::string& name, Device device) {
  if (name == "f32") return Precision::f32;
  if (name != "tf32" && name != "bf16") {
    throw std::invalid_argument("there is no precision '" + name + "'; there are f32, tf32, bf16");
  }
  if (device == Device::cpu) {
    throw std::invalid_argument("--precision " + name +
                                " is for --device gpu and sim; the CPU has f32");
  }
  return name == "tf32" ? Precision::tf32 : Precision::bf16;
}

void set_precision(Precision precision) {
  current = precision;
  allow_tf32(precision == Precision::tf32);
}

Precision precision() {
  return current;
}

Value product_input(const Value& x) {
  const bool narrow = x.device() != Device::cpu && precision() == Precision::bf16;
  return narrow ? cast(x, DType::bf16) : x;
}

}  // namespace tinct
