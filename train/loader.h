// A prefetching loader whose batches are pure functions of (data set, options, batch number).
//
// Batch k holds the samples at positions k*batch .. k*batch+batch-1 of an endless sequence of
// epochs. Order and augmentation depend on (seed, epoch, position) alone: threads, prefetch depth
// and the batch one starts from change nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/augment.h"
#include "train/dataset.h"

namespace tinct {

struct LoaderOptions {
  std::size_t batch = 8;
  AugmentOptions augment;
  /// 0: a picture is cut anew in every epoch. K: in K ways, epoch e taking the (e mod K)-th; a way
  /// is a window, mirrored or not.
  std::size_t fixed_crops = 0;
  std::uint64_t seed = 0;
  /// Sampling weight of a source (package, folder): its number of pictures to this power. 1 is
  /// uniform over pictures, 0 uniform over sources; 0.5 lets a source of 400 pictures weigh twice,
  /// not four times, as much as one of 100.
  double source_power = 0.5;
  int threads = 1;           ///< background threads, >= 1
  std::size_t prefetch = 4;  ///< batches prepared ahead, >= 1
  /// The pictures to draw from; empty is the training split.
  std::vector<std::size_t> pictures;
  /// Batches have cuts alone: a device makes the rest of them (train/develop.h).
  bool raw = false;
};

/// A raw one has cuts and no rgb, lightness and ab yet; any other has those and no cuts. They may
/// be on a device.
struct Batch {
  std::size_t step = 0;
  std::vector<Cut> cuts;
  std::size_t crop = 0;              ///< what the cuts are to be brought to
  Tensor rgb;                        ///< u8 (n,crop,crop,3), sRGB
  Tensor lightness;                  ///< f32 (n,crop,crop,1), L of Lab, 0..100
  Tensor ab;                         ///< f32 (n,crop,crop,2), a and b of Lab
  std::vector<std::size_t> indices;  ///< pictures of the data set
  double starved_ms = 0;             ///< how long next() had to wait for it
};

/// Where in the endless sequence a batch's sample lies.
struct SamplePosition {
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;  ///< in the epoch
};

/// The probability of each of `pictures` under LoaderOptions::source_power; sums to 1.
std::vector<double> sampling_weights(const Dataset& dataset,
                                     const std::vector<std::size_t>& pictures, double source_power);

/// The order of an epoch: as many draws as there are pictures, in which picture i comes
/// floor or ceil of (n * weights[i]) times (systematic sampling over a shuffled line), shuffled.
/// A pure function of its arguments.
std::vector<std::size_t> epoch_order(const std::vector<double>& weights, std::uint64_t seed,
                                     std::uint64_t epoch);

class Loader {
 public:
  /// The data set must outlive the loader. Throws std::invalid_argument for options out of range
  /// and DataError when there is no picture to draw from.
  Loader(const Dataset& dataset, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batch number `step`. Waits if it is not ready; steps in order are what is prefetched, any
  /// other is made at once. An exception in a background thread is thrown here, at its batch. For
  /// one caller at a time.
  Batch next(std::uint64_t step);

  /// The number of samples in an epoch.
  std::size_t epoch_size() const;
  SamplePosition position(std::uint64_t step, std::size_t sample) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tinct
