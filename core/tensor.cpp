// Tensors.
#include "core/tensor.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "core/error.h"

namespace tinct {
namespace {

std::size_t checked_bytes(const Shape& shape, DType type) {
  std::size_t bytes = size_of(type);
  for (const std::size_t extent : {shape.n, shape.h, shape.w, shape.c}) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw OutOfMemory("a tensor of shape " + to_string(shape) + " is too large to address");
    }
  }
  return bytes;
}

}  // namespace

std::size_t size_of(DType type) {
  return type == DType::f32 ? 4 : 1;
}

Tensor::Tensor(Shape shape, DType type)
    : shape_(shape), type_(type), buffer_(allocate(checked_bytes(shape, type))) {}

Tensor Tensor::zeros(Shape shape) {
  return full(shape, 0.0f);
}

Tensor Tensor::full(Shape shape, float value) {
  Tensor t(shape);
  t.fill(value);
  return t;
}

Tensor Tensor::from(Shape shape, const std::vector<float>& values) {
  if (values.size() != shape.size()) {
    throw std::invalid_argument("Tensor::from: " + std::to_string(values.size()) +
                                " values for shape " + to_string(shape));
  }
  Tensor t(shape);
  std::copy(values.begin(), values.end(), t.f32());
  return t;
}

void Tensor::expect(DType type) const {
  if (!defined()) throw std::invalid_argument("Tensor: the tensor is empty");
  if (type_ != type) throw std::invalid_argument("Tensor: the tensor is of the other type");
}

float* Tensor::f32() {
  expect(DType::f32);
  return reinterpret_cast<float*>(buffer_.get());
}

const float* Tensor::f32() const {
  expect(DType::f32);
  return reinterpret_cast<const float*>(buffer_.get());
}

std::uint8_t* Tensor::u8() {
  expect(DType::u8);
  return reinterpret_cast<std::uint8_t*>(buffer_.get());
}

const std::uint8_t* Tensor::u8() const {
  expect(DType::u8);
  return reinterpret_cast<const std::uint8_t*>(buffer_.get());
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy(shape_, type_);
  std::memcpy(copy.buffer_.get(), buffer_.get(), bytes());
  return copy;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (shape.size() != shape_.size()) {
    throw std::invalid_argument("reshaped: " + to_string(shape_) + " does not fit " +
                                to_string(shape));
  }
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

void Tensor::fill(float value) {
  std::fill_n(f32(), size(), value);
}

}  // namespace tinct
