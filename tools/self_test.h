// Quick checks that this binary computes rightly on this machine.
#pragma once

#include <string>
#include <vector>

namespace tinct {

struct SelfTest {
  std::string name;
  double error = 0;
  double tolerance = 0;
  bool passed() const { return error <= tolerance; }  // false for NaN
};

/// Colour conversions against published values, and kernels against their plain references.
std::vector<SelfTest> run_self_tests();

}  // namespace tinct
