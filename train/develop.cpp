// Batches on the device.
#include "train/develop.h"

#include <vector>

#include "kernels/resample_squares.h"
#include "kernels/twins.h"
#include "train/lab_planes.h"

namespace tinct {
namespace {

Tensor resampled(const std::vector<Cut>& cuts, std::size_t crop, Uploader& upload) {
  std::vector<Tensor> there;  // alive until the kernel is launched; their memory is in its order
  std::vector<Square> squares;
  for (const Cut& cut : cuts) {
    there.push_back(upload(cut.square));
    squares.push_back({there.back().u8(), cut.square.shape().h, cut.mirrored});
  }
  Tensor rgb({cuts.size(), crop, crop, 3}, DType::u8, upload.device());
  TINCT_ON(upload.device(), resample_squares, squares, crop, rgb.u8());
  return rgb;
}

}  // namespace

void add_lab_planes(Batch& batch) {
  LabPlanes planes = lab_planes(batch.rgb);
  batch.lightness = std::move(planes.lightness);
  batch.ab = std::move(planes.ab);
}

Batch develop(const Batch& batch, Uploader& upload) {
  const bool raw = !batch.cuts.empty();
  if (!raw && batch.lightness.device() == upload.device()) return batch;
  upload.next();
  Batch there = batch;
  there.cuts.clear();
  if (!raw && !batch.rgb.defined()) {
    there.lightness = upload(batch.lightness);
    there.ab = upload(batch.ab);
    return there;
  }
  there.rgb = raw ? resampled(batch.cuts, batch.crop, upload) : upload(batch.rgb);
  add_lab_planes(there);
  return there;
}

}  // namespace tinct
