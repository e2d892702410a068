// Tensors.
#include "core/tensor.h"

#include <algorithm>
#include <stdexcept>

#include "core/arithmetic.h"
#include "core/error.h"
#include "core/simt/device.h"

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

std::shared_ptr<std::byte> allocate_on(Device device, const Shape& shape, DType type) {
  const std::size_t bytes = checked_bytes(shape, type);
  if (device == Device::cpu) return allocate(bytes);
  try {
    void* block = device::allocate(std::max<std::size_t>(bytes, 1));
    return {static_cast<std::byte*>(block), [](std::byte* p) { device::release(p); }};
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(error.what() + (", for a tensor of shape " + to_string(shape)));
  }
}

}  // namespace

std::size_t size_of(DType type) {
  return type == DType::f32 ? 4 : 1;
}

Tensor::Tensor(Shape shape, DType type, Device device)
    : shape_(shape), type_(type), device_(device), buffer_(allocate_on(device, shape, type)) {}

Tensor Tensor::zeros(Shape shape, Device device) {
  return full(shape, 0.0f, device);
}

Tensor Tensor::full(Shape shape, float value, Device device) {
  Tensor t(shape, device);
  t.fill(value);
  return t;
}

Tensor Tensor::from(Shape shape, const std::vector<float>& values, Device device) {
  if (values.size() != shape.size()) {
    throw std::invalid_argument("Tensor::from: " + std::to_string(values.size()) +
                                " values for shape " + to_string(shape));
  }
  Tensor t(shape, device);
  copy(t.f32(), device, values.data(), Device::cpu, t.bytes());
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
  Tensor result(shape_, type_, device_);
  copy(result.buffer_.get(), device_, buffer_.get(), device_, bytes());
  return result;
}

Tensor Tensor::to(Device device) const {
  if (!defined() || device == device_) return *this;
  Tensor result(shape_, type_, device);
  copy(result.buffer_.get(), device, buffer_.get(), device_, bytes());
  return result;
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
  float* x = f32();
  if (device_ == Device::cpu) {
    std::fill_n(x, size(), value);
    return;
  }
#ifdef TINCT_WITH_GPU
  gpu::fill(size(), value, x);
#endif
}

Device common_device(const char* operation, std::initializer_list<const Tensor*> inputs) {
  const Tensor* first = nullptr;
  for (const Tensor* t : inputs) {
    if (t == nullptr || !t->defined()) continue;
    if (first == nullptr) first = t;
    if (t->device() != first->device()) {
      throw std::invalid_argument(std::string(operation) + ": " + to_string(first->shape()) +
                                  " is on the " + to_string(first->device()) + ", " +
                                  to_string(t->shape()) + " on the " + to_string(t->device()));
    }
  }
  return first == nullptr ? Device::cpu : first->device();
}

}  // namespace tinct
