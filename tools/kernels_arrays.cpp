// Drawing, storing and comparing arrays.
#include "tools/kernels_arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/random.h"
#include "core/simt/bf16.h"

namespace tinct {
namespace {

using study::ArraySpec;
using study::Stored;

float rounded(float v, Stored stored) {
  return stored == Stored::bf16 ? to_float(to_bf16(v)) : v;
}

// The bytes of an array as the device stores it.
std::vector<std::byte> stored_bytes(const HostArray& a, const ArraySpec& spec) {
  std::vector<std::byte> bytes(spec.size * bytes_of(spec.stored));
  for (std::size_t i = 0; i < a.numbers.size() && spec.stored == Stored::bf16; ++i) {
    const bf16 v = to_bf16(a.numbers[i]);
    std::memcpy(bytes.data() + i * sizeof v, &v, sizeof v);
  }
  if (spec.stored == Stored::f32) std::memcpy(bytes.data(), a.numbers.data(), bytes.size());
  if (spec.stored == Stored::u8) std::memcpy(bytes.data(), a.bytes.data(), bytes.size());
  return bytes;
}

// Element i of what the device or the host holds.
double number_at(const std::vector<std::byte>& bytes, Stored stored, std::size_t i) {
  const std::byte* at = bytes.data() + i * bytes_of(stored);
  if (stored == Stored::u8) return static_cast<double>(*at);
  if (stored == Stored::bf16) {
    bf16 v;
    std::memcpy(&v, at, sizeof v);
    return double{to_float(v)};
  }
  float v;
  std::memcpy(&v, at, sizeof v);
  return double{v};
}
double number_at(const HostArray& a, std::size_t i) {
  return a.bytes.empty() ? double{a.numbers[i]} : static_cast<double>(a.bytes[i]);
}

}  // namespace

HostArray drawn(const ArraySpec& spec, std::size_t index) {
  const Random random(1, Purpose::test, 0, index);
  HostArray a;
  const auto draw = [&](std::size_t i) {
    if (spec.role == ArraySpec::output) return 0.0f;
    const float u = random.uniform(i);
    if (spec.draw) return spec.draw(i, u);
    return static_cast<float>(spec.low + (spec.high - spec.low) * double{u});
  };
  for (std::size_t i = 0; i < spec.size; ++i) {
    if (spec.stored == Stored::u8) {
      a.bytes.push_back(static_cast<std::uint8_t>(draw(i)));
    } else {
      a.numbers.push_back(rounded(draw(i), spec.stored));
    }
  }
  return a;
}

DeviceArrays::DeviceArrays(const std::vector<ArraySpec>& specs,
                           const std::vector<HostArray>& values) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::size_t bytes = specs[i].size * bytes_of(specs[i].stored);
    memory_.emplace_back(bytes);
    if (specs[i].role != ArraySpec::output && bytes > 0) {
      device::copy_to_device(memory_.back().data(), stored_bytes(values[i], specs[i]).data(),
                             bytes);
    }
    arrays_.data.push_back(memory_.back().data());
  }
}

std::vector<std::byte> DeviceArrays::read(std::size_t i) const {
  std::vector<std::byte> bytes(memory_[i].size());
  memory_[i].to_host(bytes.data());
  return bytes;
}

OutputError error_of(const ArraySpec& spec, const std::vector<std::byte>& got,
                     const HostArray& expected) {
  OutputError error{spec.name};
  double most = 0;
  for (std::size_t i = 0; i < spec.size; ++i) {
    const double want = number_at(expected, i);
    const double difference = std::abs(number_at(got, spec.stored, i) - want);
    if (!(difference <= error.largest)) error.largest = difference;
    most = std::max(most, std::abs(want));
    if (std::isnan(difference)) break;
  }
  error.relative = error.largest == 0 ? 0 : error.largest / most;
  return error;
}

}  // namespace tinct
