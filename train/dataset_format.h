// Names and numbers that the reader and the writer of a data set share.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace tinct::dataset_format {

inline constexpr const char* name = "tinct-dataset";
inline constexpr std::uint64_t version = 1;
inline constexpr const char* index_file = "index.jsonl";
inline constexpr std::size_t alignment = 64;     // of a picture in its shard
inline constexpr std::size_t most_side = 65535;  // keeps width * height * 3 far from overflow

inline std::string shard_file(std::size_t shard) {
  char text[32];
  std::snprintf(text, sizeof text, "shard-%05zu.bin", shard);
  return text;
}

// Checksums are written as hex(): JSON numbers above 2^53 are not safe in other readers.
inline std::uint64_t from_hex(const std::string& text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, 16);
  if (text.size() != 16 || result.ec != std::errc() || result.ptr != end) {
    throw std::invalid_argument("\"" + text + "\" is not a checksum");
  }
  return value;
}

}  // namespace tinct::dataset_format
