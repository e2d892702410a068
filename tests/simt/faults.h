// Kernels that are wrong on purpose, each in one way.
#pragma once

#include <string>
#include <vector>

#include "core/simt/simulator.h"

namespace tinct::gpu {

/// What a planted fault may use: 256 floats each, `fresh` never written, `host` not on the device,
/// and 16 words of noughts.
struct FaultBuffers {
  const float* x;
  float* y;
  const float* fresh;
  const float* host;
  unsigned* words;
};

struct PlantedFault {
  const char* name;  ///< "// fault: NAME" ends the line of faults.cu that is reported
  simt::Fault fault;
  void (*run)(const FaultBuffers&);
  bool structural = false;  ///< found without hooks too
};
const std::vector<PlantedFault>& planted_faults();

/// y[0] = the index of the thread that came last.
void last_to_come(float* y);

}  // namespace tinct::gpu
