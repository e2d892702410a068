// bfloat16 conversions over every pattern and every tie.
#include "core/simt/bf16.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>

namespace tinct {
namespace {

float upper(std::uint32_t half) {
  return std::bit_cast<float>(half << 16);
}

TEST_CASE("every bf16 is its own float", "[simt][bf16]") {
  std::size_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const bf16 v{static_cast<std::uint16_t>(bits)};
    const float f = to_float(v);
    if (std::isnan(f)) {
      wrong += !std::isnan(to_float(to_bf16(f)));
    } else {
      wrong += f != upper(bits) || to_bf16(f).bits != bits;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("floats between two bf16 go to the nearer, ties to the even", "[simt][bf16]") {
  std::size_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x7F80; ++bits) {
    const auto round = [&](std::uint32_t low) {
      return to_bf16(std::bit_cast<float>(bits << 16 | low)).bits;
    };
    wrong += round(0x7FFF) != bits;
    wrong += round(0x8001) != bits + 1;
    wrong += round(0x8000) != (bits % 2 == 0 ? bits : bits + 1);
  }
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace tinct
