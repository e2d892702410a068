// Time on the device, with cold caches, and what the card can do at best.
#pragma once

#include <cstddef>
#include <string>

#include "core/simt/device.h"

namespace tinct::bench {

/// Seconds of device work, by events on the default stream. The simulator's are 0.
class Stopwatch {
 public:
  void start() { begin_.record(); }
  void stop() { end_.record(); }
  /// Between the two, waiting for them.
  double seconds() {
    end_.wait();
    return end_.milliseconds_since(begin_) * 1e-3;
  }

 private:
  device::Event begin_{true}, end_{true};
};

/// Puts other data into the L2 cache: writes twice as many bytes as it holds.
void flush_cache();

/// Keeps the stream busy for a quarter of a millisecond, in which the host queues what follows: its
/// launches are then not part of what is measured. bench/peers/gpu_ops.py does the same.
void hold_back();

/// What the card does at best, measured now: the shortest of several runs of each; 0 in
/// the simulator.
struct Peaks {
  double copy_bytes = 0;  ///< a second, read plus written, of a copy far larger than the caches
  double fma_flops = 0;   ///< f32 multiply-adds in registers, two operations each
  double mma_flops = 0;   ///< mma.sync, bf16 with f32 sums, in registers
};
/// `small`: of a size for the simulator, whose figures mean nothing.
Peaks measure_peaks(bool small);

/// What the card says of itself now.
struct CardState {
  std::string driver;  ///< "580.159.04", or empty
  std::string clocks;  ///< "1980 MHz, 2619 MHz": multiprocessors, memory; or empty
};
CardState card_state();

}  // namespace tinct::bench
