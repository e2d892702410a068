// Tensors on the device, for the tests of its kernels.
#pragma once

#include "core/simt/device.h"
#include "core/tensor.h"

namespace tinct::test {

/// A tensor's numbers in device memory, or room for them; data() is exactly that long, so that a
/// checked kernel cannot step over the end unseen.
class OnDevice {
 public:
  explicit OnDevice(Shape shape) : shape_(shape), array_(shape.size()) {}
  explicit OnDevice(const Tensor& t) : shape_(t.shape()), array_(t.f32(), t.size()) {}

  float* data() { return array_.data(); }
  const float* data() const { return array_.data(); }
  Tensor tensor() const {
    Tensor t(shape_);
    array_.to_host(t.f32());
    return t;
  }

 private:
  Shape shape_;
  device::Array<float> array_;
};

}  // namespace tinct::test
