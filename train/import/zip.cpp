// The central directory, the local headers that it points at, and inflating.
#include "train/import/zip.h"

#include <zlib.h>

#include <algorithm>

#include "train/import/bytes.h"

namespace tinct {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;

std::string_view from(std::string_view archive, std::uint64_t offset) {
  if (offset > archive.size()) throw WeightsError("zip: an offset lies beyond the file's end");
  return archive.substr(static_cast<std::size_t>(offset));
}

struct Directory {
  std::uint64_t entries = 0, offset = 0;
};

Directory find_directory(std::string_view archive) {
  constexpr std::size_t kEndSize = 22, kLongestComment = 65535;
  const std::size_t size = archive.size();
  for (std::size_t back = kEndSize; back <= size && back <= kEndSize + kLongestComment; ++back) {
    ByteReader end(archive.substr(size - back), size - back);
    if (end.number<std::uint32_t>() != kEnd) continue;
    end.take(6);
    Directory d;
    d.entries = end.number<std::uint16_t>();
    end.take(4);
    d.offset = end.number<std::uint32_t>();
    if (end.number<std::uint16_t>() != end.left()) continue;
    if (back + 20 <= size) {
      ByteReader locator(archive.substr(size - back - 20));
      if (locator.number<std::uint32_t>() == kLocator64) {
        locator.take(4);
        ByteReader end64(from(archive, locator.number<std::uint64_t>()));
        if (end64.number<std::uint32_t>() != kEnd64) end64.fail("zip: no ZIP64 end record");
        end64.take(28);
        d.entries = end64.number<std::uint64_t>();
        end64.take(8);
        d.offset = end64.number<std::uint64_t>();
      }
    }
    return d;
  }
  throw WeightsError("zip: no central directory: truncated, or not a zip file");
}

// 64-bit sizes from the extra field where the 32-bit ones are all ones.
void read_extra64(std::string_view extra, std::uint64_t& size, std::uint64_t& packed,
                  std::uint64_t& offset) {
  ByteReader fields(extra);
  while (fields.left() >= 4) {
    const auto id = fields.number<std::uint16_t>();
    const auto length = fields.number<std::uint16_t>();
    ByteReader field(fields.take(length));
    if (id != 1) continue;
    for (std::uint64_t* value : {&size, &packed, &offset}) {
      if (*value == 0xFFFFFFFFu) *value = field.number<std::uint64_t>();
    }
  }
}

ZipMember read_member(ByteReader& central, std::string_view archive, std::uint64_t& begin) {
  if (central.number<std::uint32_t>() != kCentral) central.fail("zip: no directory entry here");
  central.take(4);
  const auto flags = central.number<std::uint16_t>();
  ZipMember m;
  m.method = central.number<std::uint16_t>();
  central.take(4);
  m.crc = central.number<std::uint32_t>();
  std::uint64_t packed = central.number<std::uint32_t>();
  m.size = central.number<std::uint32_t>();
  const auto name_size = central.number<std::uint16_t>();
  const auto extra_size = central.number<std::uint16_t>();
  const auto comment_size = central.number<std::uint16_t>();
  central.take(8);
  begin = central.number<std::uint32_t>();
  m.name = central.take(name_size);
  read_extra64(central.take(extra_size), m.size, packed, begin);
  central.take(comment_size);
  const std::string what = "zip: member \"" + m.name + "\" ";
  if ((flags & 1) != 0) throw WeightsError(what + "is encrypted");
  if (m.method != 0 && m.method != 8) throw WeightsError(what + "is compressed by another method");
  if (m.method == 0 && m.size != packed) throw WeightsError(what + "has two sizes");

  ByteReader local(from(archive, begin), begin);
  if (local.number<std::uint32_t>() != kLocal) local.fail(what + "is not where it should be");
  local.take(4);
  if (local.number<std::uint16_t>() != m.method) local.fail(what + "has two methods");
  local.take(16);
  const auto local_name = local.number<std::uint16_t>();
  const auto local_extra = local.number<std::uint16_t>();
  if (local.take(local_name) != m.name) local.fail(what + "has two names");
  local.take(local_extra);
  m.offset = local.offset();
  m.packed = local.take(packed);
  return m;
}

}  // namespace

std::vector<ZipMember> read_zip(std::string_view archive) {
  const Directory directory = find_directory(archive);
  ByteReader central(from(archive, directory.offset), directory.offset);
  if (directory.entries > central.left() / 46) central.fail("zip: too many entries for the file");
  std::vector<ZipMember> members;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    std::uint64_t begin = 0;
    members.push_back(read_member(central, archive, begin));
    spans.emplace_back(begin, members.back().offset + members.back().packed.size());
  }
  std::sort(spans.begin(), spans.end());
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].first < spans[i - 1].second) throw WeightsError("zip: members overlap");
  }
  return members;
}

namespace {

void check_sum(const ZipMember& m, std::string_view bytes) {
  uLong crc = crc32(0, nullptr, 0);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t piece = std::min<std::size_t>(bytes.size() - at, std::size_t{1} << 30);
    crc = crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()) + at, static_cast<uInt>(piece));
    at += piece;
  }
  if (crc != m.crc) throw WeightsError("zip: member \"" + m.name + "\": checksum error");
}

}  // namespace

std::string_view stored_bytes(const ZipMember& m) {
  if (m.method != 0) throw WeightsError("zip: member \"" + m.name + "\" is compressed");
  check_sum(m, m.packed);
  return m.packed;
}

std::string unpack(const ZipMember& m) {
  if (m.method == 0) return std::string(stored_bytes(m));
  const std::string what = "zip: member \"" + m.name + "\"";
  // Weights hardly shrink; what would grow a hundredfold is a bomb. zlib counts in 32 bits.
  const std::uint64_t most = (std::uint64_t{1} << 20) + 100 * m.packed.size();
  if (m.size > most || m.size >= 0xFFFFFFFFu || m.packed.size() >= 0xFFFFFFFFu) {
    throw WeightsError(what + " claims " + std::to_string(m.size) + " bytes");
  }
  std::string out(m.size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw WeightsError(what + ": zlib failed");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(m.packed.data()));
  stream.avail_in = static_cast<uInt>(m.packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) throw WeightsError(what + " is damaged");
  check_sum(m, out);
  return out;
}

}  // namespace tinct
