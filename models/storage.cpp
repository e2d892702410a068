// Storing weights in 16 or 8 bits, and reading them back as f32.
#include "models/storage.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"

namespace tinct {
namespace {

constexpr float kMost = 127;

bool is_weight(const Parameter& p) {
  return !p.buffer && p.name.ends_with(".weight");
}

std::size_t row_size(const Shape& s) {
  return s.h * s.w * s.c;
}

}  // namespace

const char* to_string(Storage storage) {
  switch (storage) {
    case Storage::f16:
      return "f16";
    case Storage::i8:
      return "i8";
    default:
      return "f32";
  }
}

Storage parse_storage(const std::string& name) {
  for (const Storage storage : {Storage::f32, Storage::f16, Storage::i8}) {
    if (name == to_string(storage)) return storage;
  }
  throw std::invalid_argument("there is no storage \"" + name + "\"; there are: f32, f16, i8");
}

std::string scale_name(const std::string& tensor) {
  return tensor + ".scale";
}

std::pair<Tensor, Tensor> quantise_rows(const Tensor& weights) {
  const std::size_t rows = weights.shape().n, size = row_size(weights.shape());
  std::pair<Tensor, Tensor> out{Tensor(weights.shape()), Tensor({1, 1, 1, rows})};
  for (std::size_t row = 0; row < rows; ++row) {
    const float* w = weights.f32() + row * size;
    float* q = out.first.f32() + row * size;
    float most = 0;
    for (std::size_t i = 0; i < size; ++i) most = std::max(most, std::abs(w[i]));
    // A row of noughts, or one whose scale would underflow, needs no scale of its own.
    const float scale = most / kMost > 0 ? most / kMost : 1;
    out.second.f32()[row] = scale;
    for (std::size_t i = 0; i < size; ++i) {
      q[i] = std::clamp(std::nearbyint(w[i] / scale), -kMost, kMost);
    }
  }
  return out;
}

Tensor load_stored(const SafetensorsFile& file, const std::string& name) {
  Tensor t = file.load(name);
  const TensorEntry* entry = file.find(name);
  if (entry->dtype != "I8" || !file.find(scale_name(name))) return t;
  const Tensor scales = file.load(scale_name(name));
  const auto refuse = [&](const std::string& what) {
    throw WeightsError(file.path() + ": tensor \"" + scale_name(name) + "\" " + what);
  };
  const std::size_t rows = t.shape().n, size = row_size(t.shape());
  if (scales.dtype() != DType::f32 || scales.shape() != Shape{1, 1, 1, rows}) {
    refuse("is " + to_string(scales.shape()) + "; one scale for each of " + std::to_string(rows) +
           " output channels is needed");
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const float scale = scales.f32()[row];
    if (!(scale > 0 && std::isfinite(scale))) {
      refuse("holds " + std::to_string(scale) + " at element " + std::to_string(row) +
             ", which is no scale");
    }
    float* q = t.f32() + row * size;
    for (std::size_t i = 0; i < size; ++i) q[i] *= scale;
  }
  return t;
}

void write_stored(const std::string& path, const Parameters& parameters, const Metadata& metadata,
                  Storage storage) {
  NamedTensors tensors;
  std::map<std::string, std::string> dtypes;
  for (const Parameter& p : parameters) {
    const Tensor numbers = p.value.data().to(Device::cpu);
    if (storage == Storage::f32 || !is_weight(p)) {
      tensors.emplace_back(p.name, numbers);
    } else if (storage == Storage::f16) {
      tensors.emplace_back(p.name, numbers);
      dtypes[p.name] = "F16";
    } else {
      auto [whole, scales] = quantise_rows(numbers);
      tensors.emplace_back(p.name, std::move(whole));
      tensors.emplace_back(scale_name(p.name), std::move(scales));
      dtypes[p.name] = "I8";
    }
  }
  write_safetensors(path, tensors, metadata, {}, dtypes);
}

}  // namespace tinct
