// Every GPU kernel by name, with its rungs, and how to run each on arrays of its own: what
// `tinct kernels` lists and studies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/op.h"

namespace tinct::study {

/// How an array's numbers are stored.
enum class Stored : std::uint8_t { f32, bf16, u8 };
const char* name_of(Stored stored);
std::size_t bytes_of(Stored stored);

/// One way to compute a kernel's operation.
struct Rung {
  int number = 1;        ///< its place in the ladder, from 1; two of one number are siblings
  std::string name;      ///< "shared_tiles"
  std::string function;  ///< of tinct::gpu: "sum_of_squares_tree"
  std::string file;      ///< "kernels/sum_of_squares.cu"
  std::string idea;      ///< what it does that the rungs below it do not, in a line
  std::vector<Stored> types = {Stored::f32};
  std::vector<std::size_t> shape =
      {};  ///< what it is shown with, where the kernel's own will not do
};

/// What --shape gives, with what stands for it when it does not.
struct Extent {
  std::string name;
  std::size_t fallback = 1;
};

/// What a run is of.
struct Problem {
  const std::vector<std::size_t>& shape;  ///< one number an extent
  const OpSettings& set;
  const Rung& rung;
  Stored stored = Stored::f32;

  std::size_t operator[](std::size_t i) const { return shape[i]; }
};

/// An array that a run reads or writes. Inputs are drawn evenly from low to high, the same every
/// time, unless `draw` says otherwise: element i from a number in [0, 1).
struct ArraySpec {
  enum Role : std::uint8_t { input, output, updated };
  std::string name;
  std::size_t size = 0;
  Stored stored = Stored::f32;
  Role role = input;
  double low = -1, high = 1;
  std::function<float(std::size_t i, float uniform)> draw = {};
};

/// The arrays of a run, on the host (numbers as float, or u8) or on the device.
struct Arrays {
  std::vector<void*> data;
  template <class T>
  T* at(std::size_t i) const {
    return static_cast<T*>(data[i]);
  }
};

/// One call of a kernel, and the same of what it must agree with.
struct Run {
  std::vector<ArraySpec> arrays;
  double flops = 0;         ///< by the operation's formula; a transcendental function counts as one
  double tolerance = 2e-5;  ///< of the largest number of an output
  /// What they return is compared too: a loss's value; 0 where there is none.
  std::function<double(const Arrays&)> reference = {};
  std::function<double(const Arrays&)> kernel = {};
};

struct Kernel {
  std::string name;     ///< "max_pool_backward"
  std::string summary;  ///< what it computes, in a line
  std::vector<Extent> shape;
  std::vector<OpSetting> settings;
  std::vector<Rung> rungs;
  /// Throws std::invalid_argument for a shape or a setting that cannot be, or that the rung does
  /// not compute.
  std::function<Run(const Problem&)> prepare = {};
};

}  // namespace tinct::study

namespace tinct::gpu {

/// Every kernel, ordered by subject. It is there twice in programs that hold the checked kernels
/// too (tinct::gpu_checked::kernel_list): one runs them as they are, one checks and counts.
const std::vector<study::Kernel>& kernel_list();

}  // namespace tinct::gpu
