// Running one rung of one kernel: is it right, and what does it ask of a card.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/simt/simulator.h"
#include "tools/card_model.h"
#include "tools/kernels_arrays.h"
#include "tools/ptxas_table.h"
#include "tools/study/study.h"

namespace tinct {

/// What `tinct kernels run` was asked for.
struct KernelRequest {
  std::string name;                   ///< "conv2d/3", "conv2d/register_tiles", "max_pool"
  std::vector<std::size_t> shape;     ///< the first extents; the rest as the kernel has them
  std::vector<std::string> settings;  ///< "stride=2,2"
  std::string type;                   ///< "f32" or "bf16"; "": the rung's first
};

/// The list for this build. Throws DeviceError when it has no GPU kernels.
const std::vector<study::Kernel>& kernel_list();
/// Throws std::invalid_argument, with a suggestion, for a name that is not in the list.
const study::Kernel& find_kernel(const std::string& name);

/// Why this build cannot check and count, or "" when it can.
std::string no_counts_because();

/// What was counted in the simulator.
struct KernelCounts {
  simt::Report report;
  std::vector<const PtxasRow*> resources;  ///< of each of report.kernels; null where unknown
};

struct KernelResult {
  const study::Kernel* kernel = nullptr;
  const study::Rung* rung = nullptr;
  study::Stored stored = study::Stored::f32;
  std::vector<std::size_t> shape;
  std::vector<OutputError> errors;
  bool right = false;  ///< all errors within what the kernel promises
  double flops = 0;    ///< by the operation's formula
  double bytes = 0;    ///< of what it must read and write, each once
  std::optional<KernelCounts> counts;
  std::optional<double> milliseconds;  ///< on a card: the median of repeated launches
};

/// Throws std::invalid_argument for a name, shape, type or setting that cannot be.
KernelResult run_kernel(const KernelRequest& request);

/// What the run asks of a card, for bound(). Needs counts.
Work work_of(const KernelResult& result);

}  // namespace tinct
