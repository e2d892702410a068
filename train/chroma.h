// What a network is shown of a photograph, what it is to answer, and what its answer means in Lab:
// the one place that knows ModelInfo::space and ModelInfo::grey. What is made of a batch is made
// where the batch is.
#pragma once

#include "models/model.h"
#include "train/loader.h"

namespace tinct {

/// The network's input for a batch, (n,h,w,1): the lightness of its grey pictures, scaled.
Tensor training_input(const ModelInfo& info, const Batch& batch);

/// The answer that a regression head is to give, (n,h,w,2), in its own units.
Tensor chroma_target(const ModelInfo& info, const Batch& batch);

/// Luma of the batch's grey pictures, (n,h,w,1) in 0..1, and the pictures, (n,h,w,3) in 0..1.
Tensor luma_of(const ModelInfo& info, const Batch& batch);
Tensor rgb_of(const Batch& batch);

/// A regression head's answer (n,h,w,2) for pictures of that lightness (n,h,w,1, 0..100), as ab in
/// Lab units. Cb and Cr become the colour that has them and the lightness; with Grey::rgb_mean, as
/// in the published code, the colour that has them and the grey as its luma.
Tensor chroma_to_ab(const ModelInfo& info, const Tensor& lightness, const Tensor& answer);

/// Each picture of ab (n,h,w,2) multiplied so that its root mean square chroma c becomes
/// c + lift c / (c + 2). Squared error teaches a network the mean of the colours that could be,
/// which is too grey. Adding the same to the chroma of every picture gives colour back at the least
/// cost in squared error for a given mean: one factor for all pictures would spend most on those
/// that are colourful already. Throws std::invalid_argument unless lift >= 0.
Tensor lifted(const Tensor& ab, float lift);

}  // namespace tinct
