// A dense NHWC array: a handle on a shared buffer, in host or device memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/memory.h"
#include "core/shape.h"

namespace tinct {

struct bf16;

/// bf16 is what maps and their gradients are stored as on a device under --precision bf16.
enum class DType : std::uint8_t { f32, u8, bf16 };
std::string to_string(DType type);

std::size_t size_of(DType type);

/// Copying a Tensor copies the handle; clone() copies the numbers. No strides, views or
/// broadcasting.
class Tensor {
 public:
  Tensor() = default;  ///< empty: defined() is false
  /// Uninitialised. Throws OutOfMemory, and DeviceError when there is no such device.
  explicit Tensor(Shape shape, DType type = DType::f32, Device device = Device::cpu);
  Tensor(Shape shape, Device device) : Tensor(shape, DType::f32, device) {}

  static Tensor zeros(Shape shape, Device device = Device::cpu);
  static Tensor full(Shape shape, float value, Device device = Device::cpu);
  /// Throws std::invalid_argument unless values.size() == shape.size().
  static Tensor from(Shape shape, const std::vector<float>& values, Device device = Device::cpu);

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return type_; }
  Device device() const { return device_; }
  std::size_t size() const { return defined() ? shape_.size() : 0; }
  std::size_t bytes() const { return size() * size_of(type_); }

  /// The address of the numbers, which on the device is for kernels alone. Throw
  /// std::invalid_argument when the tensor is empty or of the other type.
  float* f32();
  const float* f32() const;
  std::uint8_t* u8();
  const std::uint8_t* u8() const;
  /// The same by the type of the numbers: float, std::uint8_t or bf16.
  template <class T>
  T* as();
  template <class T>
  const T* as() const;

  Tensor clone() const;
  /// The numbers on that device: this very tensor when they are there, else a copy.
  Tensor to(Device device) const;
  /// The same buffer under another shape of the same size. Throws std::invalid_argument.
  Tensor reshaped(Shape shape) const;
  void fill(float value);  ///< of f32
  /// Whether this handle is the only one on its buffer, so that an operation may reuse it.
  bool unique() const { return buffer_.use_count() == 1; }

 private:
  void expect(DType type) const;

  Shape shape_;
  DType type_ = DType::f32;
  Device device_ = Device::cpu;
  std::shared_ptr<std::byte> buffer_;
};

/// Where the inputs of an operation are; null and empty ones do not count. Throws
/// std::invalid_argument naming the operation, and both inputs' places and shapes, when they
/// differ.
Device common_device(const char* operation, std::initializer_list<const Tensor*> inputs);

}  // namespace tinct
