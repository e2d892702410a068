// train/chroma.h for batches on a device: the same numbers up to rounding, made there.
#pragma once

#include "models/model.h"
#include "train/loader.h"

namespace tinct::on_device {

Tensor training_input(const ModelInfo& info, const Batch& batch);
Tensor chroma_target(const ModelInfo& info, const Batch& batch);
Tensor luma_of(const ModelInfo& info, const Batch& batch);
Tensor rgb_of(const Batch& batch);

}  // namespace tinct::on_device
