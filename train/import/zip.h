// Zip archives, read strictly from memory: stored and deflated members, ZIP64.
// Format: PKWARE's APPNOTE 6.3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinct {

struct ZipMember {
  std::string name;
  int method = 0;          ///< 0 stored, 8 deflated
  std::uint32_t crc = 0;   ///< CRC-32 of the unpacked bytes
  std::uint64_t size = 0;  ///< unpacked
  std::string_view packed;
  std::uint64_t offset = 0;  ///< of `packed` in the archive
};

/// The members by the central directory, which local headers must agree with. Throws WeightsError
/// for what is damaged, encrypted, compressed otherwise, or overlaps.
std::vector<ZipMember> read_zip(std::string_view archive);

/// Unpacks and checks the checksum. Throws WeightsError, also for a member that claims to grow more
/// than a hundredfold (beyond 1 MiB).
std::string unpack(const ZipMember& member);
/// Of a stored member the bytes where they lie; throws WeightsError as unpack does, and for a
/// deflated one.
std::string_view stored_bytes(const ZipMember& member);

}  // namespace tinct
