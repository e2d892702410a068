// Suggestions for misspelt words.
#include "core/text.h"

#include <catch2/catch.hpp>

namespace tinct {

TEST_CASE("edit distance counts insertions, deletions, substitutions and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("stride", "strdie") == 1);
  CHECK(edit_distance("Stride", "stride") == 0);
}

TEST_CASE("the nearest word is found, and none where none is near") {
  const std::vector<std::string> words = {"--model", "--data", "--compare", "--quality"};
  CHECK(nearest("--modle", words) == "--model");
  CHECK(nearest("--qual", words) == "--quality");
  CHECK(nearest("--compared", words) == "--compare");
  CHECK(nearest("--zzzzzz", words).empty());
  CHECK(nearest("x", {}).empty());
  CHECK(did_you_mean("--dta", words) == " (did you mean '--data'?)");
  CHECK(did_you_mean("--xyzxyz", words).empty());
  CHECK(join({"a", "b"}) == "a, b");
}

TEST_CASE("numbers in words") {
  CHECK(printed("%.1f", 0.25) == "0.2");
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(80.0 * 1024 * 1024 * 1024) == "80.0 GiB");
  CHECK(hex(0xabc) == "0000000000000abc");
}

}  // namespace tinct
