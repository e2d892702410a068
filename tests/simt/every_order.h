// The orders of threads and blocks that tests run under; a card chooses its own.
#pragma once

#include "core/simt/simulator.h"

namespace tinct::test {

/// Calls f under each of them.
template <class F>
void in_every_order(F&& f) {
#if defined(TINCT_ON_CARD)
  f();
#else
  using simt::Order;
  const Order before = simt::order();
  for (const Order order : {Order{Order::forward, 0}, Order{Order::reversed, 0},
                            Order{Order::random, 1}, Order{Order::random, 2}}) {
    simt::set_order(order);
    f();
  }
  simt::set_order(before);
#endif
}

}  // namespace tinct::test
