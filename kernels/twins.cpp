// What a call says whose kernel is not there.
#include "kernels/twins.h"

#include "core/error.h"

namespace tinct {

void no_gpu_kernel(const char* operation) {
  throw DeviceError(std::string(operation) + " has no GPU kernel in this build");
}

void no_bf16_kernel(const char* operation) {
  throw DeviceError(std::string(operation) + " has no bf16 kernel on the CPU");
}

}  // namespace tinct
