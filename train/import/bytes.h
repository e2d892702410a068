// Reading numbers from bytes that may lie: every access is checked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tinct {

/// Reads forward through bytes, little-endian. Throws WeightsError at their end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes, std::uint64_t origin = 0)
      : bytes_(bytes), origin_(origin) {}

  bool done() const { return at_ == bytes_.size(); }
  std::size_t left() const { return bytes_.size() - at_; }
  /// Where the next byte lies in the file.
  std::uint64_t offset() const { return origin_ + at_; }

  std::string_view take(std::uint64_t count) {
    if (count > left()) fail("the file ends too early");
    const std::string_view out = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return out;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// Up to and without the next '\n', which is passed.
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("the file ends too early");
    const std::string_view out = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw WeightsError("offset " + std::to_string(offset()) + ": " + reason);
  }

 private:
  std::string_view bytes_;
  std::uint64_t origin_;
  std::size_t at_ = 0;
};

}  // namespace tinct
