// Counting the work of a forward pass.
#pragma once

#include <cstdint>

namespace tinct {

/// While one lives, the multiply-accumulates of every convolution, transposed convolution and fully
/// connected layer that runs forward on this thread are added up: the arithmetic as defined,
/// products with padding included, whichever algorithm does it. Counters nest; the innermost
/// counts.
class MacCounter {
 public:
  MacCounter();
  ~MacCounter();
  MacCounter(const MacCounter&) = delete;
  MacCounter& operator=(const MacCounter&) = delete;
  std::uint64_t macs() const { return macs_; }

 private:
  friend void add_macs(std::uint64_t macs);
  std::uint64_t macs_ = 0;
  MacCounter* outer_;
};

/// For the layers: tells this thread's counter, if there is one.
void add_macs(std::uint64_t macs);

}  // namespace tinct
