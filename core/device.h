// Where numbers live: the host's memory or the device's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/block_cache.h"

namespace tinct {

/// `gpu` is what runs the functions of tinct::gpu: a card, or in other builds the SIMT simulator.
enum class Device : std::uint8_t { cpu, gpu };

/// "cpu", "gpu".
std::string to_string(Device device);

/// The device that "cpu", "gpu" (a card) or "sim" (the simulator) means in this build. Throws
/// DeviceError, with what to do, when this build or this machine has none, and
/// std::invalid_argument for another name.
Device find_device(const std::string& name);

/// Of the memory behind that device's tensors (core/memory.h, core/simt/device.h).
MemoryUse memory_use(Device device);
void reset_memory_peak(Device device);

/// `bytes` bytes from one to the other; done when the call returns, or, within the device, in
/// order. Throws DeviceError in builds without a GPU backend.
void copy(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);

}  // namespace tinct
