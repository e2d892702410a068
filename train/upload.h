// Batches on their way to the device, through pinned memory that two batches share in turn.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/simt/device.h"
#include "core/tensor.h"

namespace tinct {

/// On a card the copies run in the background, in the order of its other work. For one caller at a
/// time.
class Uploader {
 public:
  explicit Uploader(Device device);

  /// Ends a batch and begins the next; waits until the pinned memory of the batch before the last
  /// has been read.
  void next();
  /// A copy on the device; the very tensor when that is the host.
  Tensor operator()(const Tensor& host);
  Device device() const { return device_; }

 private:
  struct Side {
    std::vector<std::shared_ptr<std::byte>> blocks;
    std::vector<std::size_t> sizes;
    std::size_t used = 0;
    device::Event read;
  };
  Device device_;
  std::array<std::unique_ptr<Side>, 2> sides_;  // none on the host
  std::size_t side_ = 0;
};

}  // namespace tinct
