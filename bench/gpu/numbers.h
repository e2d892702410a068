// Random numbers and results on the device, stored as f32 or bf16, and their float64 comparison.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/harness.h"
#include "core/simt/bf16.h"
#include "core/simt/device.h"

namespace tinct::bench {

inline float widened(float v) {
  return v;
}
inline float widened(bf16 v) {
  return to_float(v);
}
inline float stored_as(float v, float) {
  return v;
}
inline bf16 stored_as(float v, bf16) {
  return to_bf16(v);
}
template <class T>
constexpr const char* precision_name() {
  return sizeof(T) == 2 ? "bf16" : "f32";
}

/// Random numbers in [-1, 1) that every array repeats, from its own place on: drawing hundreds of
/// millions of them would take longer than the measuring.
template <class T>
class Pool {
 public:
  static const Pool& get() {
    static const auto* const pool = new Pool;  // never destroyed: the driver may be gone by then
    return *pool;
  }
  std::size_t size() const { return host_.size(); }
  float at(std::size_t i) const { return at_place(i % size()); }
  /// i < size()
  float at_place(std::size_t i) const { return widened(host_[i]); }
  const T* device() const { return device_.data(); }

 private:
  Pool() : host_(1048573) {
    const std::vector<float> drawn = random_floats(host_.size(), 1);
    std::transform(drawn.begin(), drawn.end(), host_.begin(),
                   [](float v) { return stored_as(v, T{}); });
    device_ = device::Array<T>(host_.data(), host_.size());
  }

  std::vector<T> host_;
  device::Array<T> device_;
};

/// An array that a kernel reads.
template <class T>
class Input {
 public:
  /// Arrays of different seeds hold different numbers.
  Input(std::size_t count, std::size_t seed) : array_(count), begin_(seed * 65537) {
    for_each_piece(count, [&](std::size_t to, std::size_t from, std::size_t piece) {
      device::copy_on_device(array_.data() + to, Pool<T>::get().device() + from, piece * sizeof(T));
    });
  }
  const T* data() const { return array_.data(); }
  T* data() { return array_.data(); }
  std::size_t size() const { return array_.size(); }
  /// What is stored at i.
  float at(std::size_t i) const { return Pool<T>::get().at(begin_ + i); }
  std::vector<float> host() const {
    std::vector<float> v(size());
    for_each_piece(size(), [&](std::size_t to, std::size_t from, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) v[to + i] = Pool<T>::get().at_place(from + i);
    });
    return v;
  }

 private:
  // Calls f(place in the array, place in the pool, count) for the pieces that follow one another.
  template <class F>
  void for_each_piece(std::size_t count, F&& f) const {
    const std::size_t whole = Pool<T>::get().size();
    for (std::size_t i = 0; i < count;) {
      const std::size_t from = (begin_ + i) % whole;
      const std::size_t piece = std::min(count - i, whole - from);
      f(i, from, piece);
      i += piece;
    }
  }

  device::Array<T> array_;
  std::size_t begin_;
};

/// An array that a kernel writes.
template <class T>
class Output {
 public:
  explicit Output(std::size_t count) : array_(count) {}
  T* data() { return array_.data(); }
  const T* data() const { return array_.data(); }
  std::size_t size() const { return array_.size(); }
  /// NaN everywhere, so that what is not written is seen.
  void poison() {
    const std::vector<T> nan(size(), stored_as(std::nanf(""), T{}));
    device::copy_to_device(array_.data(), nan.data(), nan.size() * sizeof(T));
  }
  float at(std::size_t i) const {
    T v{};
    device::copy_to_host(&v, array_.data() + i, sizeof v);
    return widened(v);
  }
  std::vector<float> host() const {
    std::vector<T> raw(size());
    array_.to_host(raw.data());
    std::vector<float> v(size());
    std::transform(raw.begin(), raw.end(), v.begin(), [](T x) { return widened(x); });
    return v;
  }

 private:
  device::Array<T> array_;
};

/// max |got - expected| / max |expected|; NaN when something is.
template <class Got, class Expected>
double largest_error(const Got& got, const Expected& expected) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::fabs(double{got[i]} - double{expected[i]});
    if (!(error <= worst)) worst = error;
    if (std::isnan(worst)) return worst;
    largest = std::max(largest, std::fabs(double{expected[i]}));
  }
  return largest > 0 ? worst / largest : worst;
}

}  // namespace tinct::bench
