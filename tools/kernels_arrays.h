// The arrays of a run of a kernel: drawn, put on the device, and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/simt/device.h"
#include "tools/study/study.h"

namespace tinct {

/// Numbers as a reference sees them: float (rounded to bf16 where they are stored so), or u8.
struct HostArray {
  std::vector<float> numbers;
  std::vector<std::uint8_t> bytes;

  void* data() {
    if (!bytes.empty()) return bytes.data();
    return numbers.empty() ? nullptr : numbers.data();
  }
};

/// The array that a run begins with, the same in every run; zeros for an output. `index` is its
/// place among the run's arrays.
HostArray drawn(const study::ArraySpec& spec, std::size_t index);

/// The arrays of a run on the device. Outputs hold nothing yet.
class DeviceArrays {
 public:
  DeviceArrays(const std::vector<study::ArraySpec>& specs, const std::vector<HostArray>& values);
  const study::Arrays& arrays() const { return arrays_; }
  /// The bytes of one of them as they are now.
  std::vector<std::byte> read(std::size_t i) const;

 private:
  std::vector<device::Array<std::byte>> memory_;
  study::Arrays arrays_;
};

/// How far one output is from the reference.
struct OutputError {
  std::string name;
  double largest = 0;   ///< the largest absolute difference; NaN stays NaN
  double relative = 0;  ///< the same over the largest number of the reference
};
OutputError error_of(const study::ArraySpec& spec, const std::vector<std::byte>& got,
                     const HostArray& expected);

}  // namespace tinct
