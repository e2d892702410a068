// Devices by name, and copies between them.
#include "core/device.h"

#include <cstring>
#include <stdexcept>

#include "core/error.h"
#include "core/memory.h"
#include "core/simt/device.h"

namespace tinct {
namespace {

std::string instead(device::Backend backend) {
  return backend == device::Backend::none        ? "has --device cpu alone"
         : backend == device::Backend::simulator ? "has --device cpu and sim"
                                                 : "has --device cpu and gpu";
}

}  // namespace

std::string to_string(Device device) {
  return device == Device::cpu ? "cpu" : "gpu";
}

Device find_device(const std::string& name) {
  if (name == "cpu") return Device::cpu;
  if (name != "gpu" && name != "sim") {
    throw std::invalid_argument("there is no device '" + name + "'; there are cpu, gpu and sim");
  }
  const bool card = name == "gpu";
  const device::Backend backend = device::backend();
  if (backend != (card ? device::Backend::cuda : device::Backend::simulator)) {
    throw DeviceError("--device " + name + " needs a build with -DTINCT_GPU=" +
                      (card ? "cuda" : "sim") + "; this one " + instead(backend));
  }
  device::check_usable();
  return Device::gpu;
}

MemoryUse memory_use(Device device) {
  return device == Device::cpu ? memory_use() : device::memory_use();
}

void reset_memory_peak(Device device) {
  device == Device::cpu ? reset_memory_peak() : device::reset_memory_peak();
}

void copy(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  if (bytes == 0) return;
  if (to_device == Device::cpu && from_device == Device::cpu) {
    std::memcpy(to, from, bytes);
  } else if (to_device == Device::cpu) {
    device::copy_to_host(to, from, bytes);
  } else if (from_device == Device::cpu) {
    device::copy_to_device(to, from, bytes);
  } else {
    device::copy_on_device(to, from, bytes);
  }
}

}  // namespace tinct
