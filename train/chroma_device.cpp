// Inputs and targets of batches on a device, out of the kernels that there are.
#include "train/chroma_device.h"

#include "kernels/colour.h"
#include "kernels/columns.h"
#include "kernels/levels.h"
#include "kernels/neutral_rgb.h"
#include "kernels/pixel_affine.h"
#include "kernels/scale.h"
#include "kernels/twins.h"

namespace tinct::on_device {
namespace {

// `count` of each pixel's components, from the first one given.
Tensor components(const Tensor& x, std::size_t first, std::size_t count) {
  const Shape s = x.shape();
  Tensor out({s.n, s.h, s.w, count}, x.device());
  const Columns columns{s.pixels(), count, s.c, first, count, 0};
  TINCT_ON(x.device(), copy_columns, columns, x.f32(), out.f32());
  return out;
}

// As train/predict.h has it.
Tensor network_input(const Tensor& lightness) {
  Tensor x(lightness.shape(), lightness.device());
  TINCT_ON(x.device(), scale_shift, x.size(), 0.02f, -1.0f, lightness.f32(), x.f32());
  return x;
}

// (R + G + B) / 3, three times.
Tensor greys_of(const Tensor& rgb) {
  PixelAffine mean;
  for (auto& row : mean.factor) row = {1.0f / 3, 1.0f / 3, 1.0f / 3};
  Tensor grey(rgb.shape(), rgb.device());
  TINCT_ON(grey.device(), pixel_affine, mean, grey.shape().pixels(), rgb.f32(), nullptr,
           grey.f32());
  return grey;
}

}  // namespace

Tensor rgb_of(const Batch& batch) {
  Tensor rgb(batch.rgb.shape(), batch.rgb.device());
  TINCT_ON(rgb.device(), from_levels, rgb.size(), batch.rgb.u8(), rgb.f32());
  return rgb;
}

Tensor luma_of(const ModelInfo& info, const Batch& batch) {
  if (info.grey == Grey::rgb_mean) return components(greys_of(rgb_of(batch)), 0, 1);
  const Tensor x = network_input(batch.lightness);
  const Shape s = x.shape();
  Tensor neutral({s.n, s.h, s.w, 3}, x.device());
  TINCT_ON(x.device(), neutral_rgb, s.pixels(), x.f32(), neutral.f32());
  return components(neutral, 0, 1);
}

Tensor training_input(const ModelInfo& info, const Batch& batch) {
  if (info.grey == Grey::lightness) return network_input(batch.lightness);
  Tensor lab = greys_of(rgb_of(batch));
  TINCT_ON(lab.device(), srgb_to_lab, lab.shape().pixels(), lab.f32(), lab.f32());
  return network_input(components(lab, 0, 1));
}

Tensor chroma_target(const ModelInfo& info, const Batch& batch) {
  if (info.space == ChromaSpace::lab) {
    Tensor target(batch.ab.shape(), batch.ab.device());
    TINCT_ON(target.device(), scale, target.size(), 1 / kChromaScale, batch.ab.f32(), target.f32());
    return target;
  }
  Tensor ycbcr = rgb_of(batch);
  TINCT_ON(ycbcr.device(), srgb_to_ycbcr, ycbcr.shape().pixels(), ycbcr.f32(), ycbcr.f32());
  return components(ycbcr, 1, 2);
}

}  // namespace tinct::on_device
