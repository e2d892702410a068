// hash64 against published XXH64 values.
#include "core/hash.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

using namespace tinct;

TEST_CASE("hash64 is XXH64") {
  CHECK(hash64("", 0) == 0xef46db3751d8e999u);
  CHECK(hash64("abc", 3) == 0x44bc2cf5ad770999u);
  const std::string text = "Nobody inspects the spammish repetition";
  CHECK(hash64(text.data(), text.size()) == 0xfbcea83c8a378bf1u);
  std::vector<unsigned char> ramp(101);
  std::iota(ramp.begin(), ramp.end(), 0);
  CHECK(hash64(ramp.data(), ramp.size()) == 0xe99038495f85381eu);  // by xxhsum 0.8.1
}

TEST_CASE("hash64 tells one bit apart, at every length") {
  std::vector<unsigned char> bytes(80, 0x5a);
  for (std::size_t n = 1; n <= bytes.size(); ++n) {
    const std::uint64_t before = hash64(bytes.data(), n);
    bytes[n - 1] ^= 1;
    CHECK(hash64(bytes.data(), n) != before);
    bytes[n - 1] ^= 1;
    CHECK(hash64(bytes.data(), n) == before);
    CHECK(hash64(bytes.data(), n, 1) != before);
  }
}
