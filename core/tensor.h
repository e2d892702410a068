// A dense NHWC array: a handle on a shared buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/memory.h"
#include "core/shape.h"

namespace tinct {

enum class DType : std::uint8_t { f32, u8 };

std::size_t size_of(DType type);

/// Copying a Tensor copies the handle; clone() copies the numbers. No strides, views or
/// broadcasting.
class Tensor {
 public:
  Tensor() = default;  ///< empty: defined() is false
  /// Uninitialised. Throws OutOfMemory.
  explicit Tensor(Shape shape, DType type = DType::f32);

  static Tensor zeros(Shape shape);
  static Tensor full(Shape shape, float value);
  /// Throws std::invalid_argument unless values.size() == shape.size().
  static Tensor from(Shape shape, const std::vector<float>& values);

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return type_; }
  std::size_t size() const { return defined() ? shape_.size() : 0; }
  std::size_t bytes() const { return size() * size_of(type_); }

  /// The numbers. Throw std::invalid_argument when the tensor is empty or of the other type.
  float* f32();
  const float* f32() const;
  std::uint8_t* u8();
  const std::uint8_t* u8() const;

  Tensor clone() const;
  /// The same buffer under another shape of the same size. Throws std::invalid_argument.
  Tensor reshaped(Shape shape) const;
  void fill(float value);
  /// Whether this handle is the only one on its buffer, so that an operation may reuse it.
  bool unique() const { return buffer_.use_count() == 1; }

 private:
  void expect(DType type) const;

  Shape shape_;
  DType type_ = DType::f32;
  std::shared_ptr<std::byte> buffer_;
};

}  // namespace tinct
