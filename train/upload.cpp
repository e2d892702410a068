// Pinned memory, two sides of it.
#include "train/upload.h"

#include <cstring>

namespace tinct {

Uploader::Uploader(Device device) : device_(device) {
  if (device == Device::cpu) return;
  for (auto& side : sides_) side = std::make_unique<Side>();
}

void Uploader::next() {
  if (device_ == Device::cpu) return;
  sides_[side_]->read.record();
  side_ = 1 - side_;
  sides_[side_]->read.wait();
  sides_[side_]->used = 0;
}

Tensor Uploader::operator()(const Tensor& host) {
  if (device_ == Device::cpu || !host.defined()) return host;
  Side& side = *sides_[side_];
  const std::size_t at = side.used++;
  if (at == side.blocks.size()) {
    side.blocks.emplace_back();
    side.sizes.push_back(0);
  }
  if (side.sizes[at] < host.bytes()) {
    side.sizes[at] = BlockCache::size_class(host.bytes());  // cuts differ a little in size
    side.blocks[at] = device::pinned(side.sizes[at]);
  }
  Tensor result(host.shape(), host.dtype(), device_);
  const bool is_f32 = host.dtype() == DType::f32;
  std::byte* pinned = side.blocks[at].get();
  std::memcpy(pinned, is_f32 ? static_cast<const void*>(host.f32()) : host.u8(), host.bytes());
  device::copy_to_device_later(is_f32 ? static_cast<void*>(result.f32()) : result.u8(), pinned,
                               host.bytes(), nullptr);
  return result;
}

}  // namespace tinct
