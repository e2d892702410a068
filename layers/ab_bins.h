// The sets of colour bins as tensors (1,1,q,2), for networks that predict distributions.
#pragma once

#include "core/tensor.h"

namespace tinct {

/// Every multiple of 10 from -110 to 110: q = 529 (kernels/ab_bins.h).
Tensor full_grid_bin_table();
/// The 313 bins of Zhang et al.
Tensor zhang_bin_table();

}  // namespace tinct
