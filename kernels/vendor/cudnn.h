// cuDNN 9 behind the convolution contract: what the benchmarks compare with, and rungs of the
// ladder where the library is there.
//
// Each convolution runs the algorithm that cuDNN measured fastest on the arrays of its first call,
// of those that give the same bits in every call. bf16 weight gradients come from cuDNN in bf16 and
// are widened; with bf16 the fused epilogue adds a bias rounded to bf16.
#pragma once

#include <string>

#include "kernels/conv/rungs.h"

namespace tinct::vendor {

/// Why cuDNN cannot be used in this process, in a line; empty when it can.
const std::string& cudnn_problem();

/// "cudnn": f32, multiplied and added in f32. Its functions throw DeviceError.
const gpu::Conv2dRung<float>& cudnn_rung();
/// "cudnn_tf32": stored in f32, factors rounded to 11 bits for tensor cores.
const gpu::Conv2dRung<float>& cudnn_rung_tf32();
/// "cudnn": stored in bf16.
const gpu::Conv2dRung<bf16>& cudnn_rung_bf16();

}  // namespace tinct::vendor
