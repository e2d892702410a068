// Tensors.
#include "core/tensor.h"

#include <algorithm>
#include <stdexcept>

#include "core/arithmetic.h"
#include "core/error.h"
#include "core/simt/device.h"

namespace tinct {
namespace {

template <class T>
inline constexpr DType kTypeOf = DType::f32;
template <>
inline constexpr DType kTypeOf<std::uint8_t> = DType::u8;
template <>
inline constexpr DType kTypeOf<bf16> = DType::bf16;

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
  return type == DType::f32 ? 4 : type == DType::bf16 ? 2 : 1;
}

std::string to_string(DType type) {
  return type == DType::f32 ? "f32" : type == DType::bf16 ? "bf16" : "u8";
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
  if (type_ != type) {
    throw std::invalid_argument("Tensor: " + to_string(shape_) + " holds " + to_string(type_) +
                                ", not " + to_string(type));
  }
}

template <class T>
const T* Tensor::as() const {
  expect(kTypeOf<T>);
  return reinterpret_cast<const T*>(buffer_.get());
}

template <class T>
T* Tensor::as() {
  expect(kTypeOf<T>);
  return reinterpret_cast<T*>(buffer_.get());
}

template const float* Tensor::as() const;
template const std::uint8_t* Tensor::as() const;
template const bf16* Tensor::as() const;
template float* Tensor::as();
template std::uint8_t* Tensor::as();
template bf16* Tensor::as();

float* Tensor::f32() {
  return as<float>();
}

const float* Tensor::f32() const {
  return as<float>();
}

std::uint8_t* Tensor::u8() {
  return as<std::uint8_t>();
}

const std::uint8_t* Tensor::u8() const {
  return as<std::uint8_t>();
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
