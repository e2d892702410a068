// The ways tinct fails, one class for each exit code that the tools document.
// A bad argument to a library function is std::invalid_argument; memory that cannot be had is
// OutOfMemory.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace tinct {

/// Input data that cannot be used: a broken picture, an empty data set. Exit code 3.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Weights or a checkpoint that cannot be used: truncated, wrong architecture, NaN. Exit code 4.
struct WeightsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Memory that cannot be had; says how much was asked for. Exit code 5.
struct OutOfMemory : std::bad_alloc {
  explicit OutOfMemory(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// The operating system refused: disk full, permission, missing file. Exit code 6.
struct IoError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A loss or a weight that is not finite. Exit code 7.
struct NumericError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A device that is absent or that the binary was not compiled for. Exit code 8.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace tinct
