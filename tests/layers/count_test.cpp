// Multiply-accumulates are counted by the layers that do them.
#include "layers/count.h"

#include <catch2/catch.hpp>

#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/fully_connected.h"
#include "tests/check.h"

namespace tinct {

TEST_CASE("multiply-accumulates of a forward pass are counted exactly") {
  const Value x(test::random_tensor({2, 8, 6, 3}, 1));
  const Value w(test::random_tensor({5, 3, 3, 3}, 2), true);
  MacCounter counter;
  const Value y = conv2d(x, w, {}, same_padding(3, 2));
  CHECK(counter.macs() == 2 * 4 * 3 * 5 * 3 * 3 * 3);
  y.backward();  // not a forward pass
  CHECK(counter.macs() == 2 * 4 * 3 * 5 * 3 * 3 * 3);
  {
    MacCounter inner;
    conv_transpose2d(x, w, {}, pytorch_transpose(2, 1, 1));
    CHECK(inner.macs() == 2 * 8 * 6 * 5 * 3 * 3 * 3);
  }
  CHECK(counter.macs() == 2 * 4 * 3 * 5 * 3 * 3 * 3);
  fully_connected(x, Value(test::random_tensor({7, 1, 1, 144}, 3)), {});
  CHECK(counter.macs() == 2 * 4 * 3 * 5 * 3 * 3 * 3 + 2 * 144 * 7);
}

}  // namespace tinct
