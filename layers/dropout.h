// Dropout, differentiable.
#pragma once

#include <cstdint>

#include "core/autograd.h"
#include "layers/module.h"

namespace tinct {

/// In training: zeroes each element with probability `rate` and scales the rest by 1/(1 - rate)
/// (Srivastava et al., JMLR 2014, inverted). Otherwise, or at rate 0, returns x itself. `layer`
/// tells the dropouts of one network apart: the mask depends on (mode.seed, mode.step, layer) and
/// the element alone. Throws std::invalid_argument unless 0 <= rate < 1.
Value dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer);

/// The same for whole channels of a sample (Tompson et al., CVPR 2015): neighbouring activations
/// tell each other apart too well for single elements to be missed.
Value channel_dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer);

}  // namespace tinct
