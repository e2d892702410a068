// From the cuts of pictures to what a network is shown: on the device that trains it.
#pragma once

#include "train/loader.h"
#include "train/upload.h"

namespace tinct {

/// Lightness and ab of the batch's rgb, where that is.
void add_lab_planes(Batch& batch);

/// The batch with rgb, lightness and ab on the uploader's device. A batch that has rgb takes it
/// there in 8 bits, a raw one its cuts, which become the very pixels that augment() would make of
/// them; everything else is computed there. One that is there already stays as it is, and so does a
/// batch for the host that is not raw.
Batch develop(const Batch& batch, Uploader& upload);

}  // namespace tinct
