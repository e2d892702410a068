// Tensors on the device, for the tests of its kernels.
#pragma once

#include <algorithm>
#include <vector>

#include "core/simt/bf16.h"
#include "core/simt/device.h"
#include "core/tensor.h"

namespace tinct::test {

inline float stored(float v, float) {
  return v;
}
inline bf16 stored(float v, bf16) {
  return to_bf16(v);
}
inline float widened(float v) {
  return v;
}
inline float widened(bf16 v) {
  return to_float(v);
}

/// A tensor's numbers in device memory, stored as T, or room for them; data() is exactly that long,
/// so that a checked kernel cannot step over the end unseen.
template <class T>
class OnDeviceAs {
 public:
  explicit OnDeviceAs(Shape shape) : shape_(shape), array_(shape.size()) {}
  explicit OnDeviceAs(const Tensor& t) : OnDeviceAs(t.shape()) {
    std::vector<T> host(t.size());
    std::transform(t.f32(), t.f32() + t.size(), host.begin(),
                   [](float v) { return stored(v, T{}); });
    array_ = device::Array<T>(host.data(), host.size());
  }

  T* data() { return array_.data(); }
  const T* data() const { return array_.data(); }
  Tensor tensor() const {
    std::vector<T> host(shape_.size());
    array_.to_host(host.data());
    Tensor t(shape_);
    std::transform(host.begin(), host.end(), t.f32(), [](T v) { return widened(v); });
    return t;
  }

 private:
  Shape shape_;
  device::Array<T> array_;
};

using OnDevice = OnDeviceAs<float>;
using OnDeviceBf16 = OnDeviceAs<bf16>;

/// The tensor as storage in T keeps it, so that a reference sees what a kernel does.
template <class T>
Tensor rounded(const Tensor& t) {
  Tensor r(t.shape());
  std::transform(t.f32(), t.f32() + t.size(), r.f32(),
                 [](float v) { return widened(stored(v, T{})); });
  return r;
}

/// How far a result in T may lie from the reference, relative to it, when a kernel is `exact` in
/// f32: half a unit of bf16's last place.
template <class T>
constexpr double tolerance(double exact) {
  return sizeof(T) == 2 ? 0x1p-8 + exact : exact;
}

}  // namespace tinct::test
