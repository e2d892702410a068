// Whether convolutions on the GPU may multiply in tf32. Not in a .cu: checked kernels have no
// atomics of the host's.
#include <atomic>

#include "kernels/conv/conv2d.h"

namespace tinct {
namespace {

std::atomic<bool> allowed{false};

}  // namespace

void allow_tf32(bool yes) {
  allowed = yes;
}

bool tf32_allowed() {
  return allowed;
}

}  // namespace tinct
