// Protobuf's wire format, read strictly: fields by number, nothing allocated for them.
// Source: protobuf.dev, "Encoding".
#pragma once

#include <vector>

#include "train/import/bytes.h"

namespace tinct {

inline std::uint64_t read_varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = reader.number<std::uint8_t>();
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  reader.fail("protobuf: a number does not end");
}

/// One field. The accessors throw WeightsError when it was written as another type.
struct WireField {
  enum Type : std::uint8_t { number64 = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
  std::uint32_t number = 0;
  Type type = number64;
  std::uint64_t value = 0;  ///< of a varint or a fixed number
  std::string_view text;    ///< of bytes, strings, messages and packed numbers
  std::uint64_t offset = 0;

  std::uint64_t varint() const {
    if (type != number64) wrong();
    return value;
  }
  std::string_view string() const {
    if (type != bytes) wrong();
    return text;
  }
  /// A repeated number's values: one, or packed.
  std::vector<std::uint64_t> varints() const {
    if (type != bytes) return {varint()};
    std::vector<std::uint64_t> out;
    for (ByteReader reader(text, offset); !reader.done();) out.push_back(read_varint(reader));
    return out;
  }
  /// The little-endian bytes of a fixed number of that size.
  std::string fixed_bytes(std::size_t size) const {
    if (type != (size == 8 ? fixed64 : fixed32)) wrong();
    return std::string(reinterpret_cast<const char*>(&value), size);
  }

 private:
  [[noreturn]] void wrong() const {
    throw WeightsError("protobuf: field " + std::to_string(number) + " has a wrong type");
  }
};

class WireReader {
 public:
  explicit WireReader(std::string_view message) : reader_(message) {}

  bool done() const { return reader_.done(); }
  WireField next() {
    const std::uint64_t tag = read_varint(reader_);
    WireField f;
    f.number = static_cast<std::uint32_t>(tag >> 3);
    f.type = static_cast<WireField::Type>(tag & 7);
    if (f.number == 0 || tag >> 32 != 0) fail("no such field");
    f.offset = reader_.offset();
    switch (f.type) {
      case WireField::number64:
        f.value = read_varint(reader_);
        break;
      case WireField::fixed64:
        f.value = reader_.number<std::uint64_t>();
        break;
      case WireField::fixed32:
        f.value = reader_.number<std::uint32_t>();
        break;
      case WireField::bytes:
        f.text = reader_.take(read_varint(reader_));
        break;
      default:
        fail("no such type of field");
    }
    return f;
  }
  [[noreturn]] void fail(const std::string& reason) const { reader_.fail("protobuf: " + reason); }

 private:
  ByteReader reader_;
};

}  // namespace tinct
