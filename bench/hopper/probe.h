// Small questions to a card whose answers decide how kernels are built for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tinct::hopper {

/// One line of a table: what was asked, the answer, its unit.
struct Answer {
  std::string question;
  double value;
  std::string unit;
};
using Answers = std::vector<Answer>;

/// Milliseconds of f() by the card's events: the median of `rounds` after two that do not count.
double median_ms(const std::function<void()>& f, int rounds = 15);

/// What a copy through device memory and a read from the L2 cache move, in GB/s.
Answers memory_rates();
/// Whether what runs on this card is code for sm_90a, which alone has wgmma.
bool has_wgmma();
/// TFLOP/s of wgmma with nothing to load, from shared memory and from registers. Needs has_wgmma().
Answers wgmma_rates();
/// The largest error of a 3x3 convolution's nine taps when each is read from one tile in shared
/// memory, its pixels with their border, by moving the descriptor's start. Needs
/// has_wgmma().
Answers halo_errors();

}  // namespace tinct::hopper
