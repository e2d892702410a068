// Whether kernels compute the same bits in whatever order threads and blocks take their turns.
#pragma once

#include <catch2/catch.hpp>
#include <vector>

#include "tests/gpu/on_device.h"
#include "tests/simt/every_order.h"

namespace tinct::test {

inline void append(std::vector<double>& to, double number) {
  to.push_back(number);
}
template <class T>
void append(std::vector<double>& to, const OnDeviceAs<T>& array) {
  const Tensor t = array.tensor();
  to.insert(to.end(), t.f32(), t.f32() + t.size());
}

/// Arrays on the device and sums on the host, one after another. Double holds each exactly.
template <class... T>
std::vector<double> numbers(const T&... of) {
  std::vector<double> all;
  (append(all, of), ...);
  return all;
}

/// Checks that f() returns the same numbers in every order.
template <class F>
void check_same_in_every_order(F&& f) {
  const std::vector<double> first = f();
  in_every_order([&] {
    const std::vector<double> now = f();
    CHECK((now == first));
  });
}

}  // namespace tinct::test
