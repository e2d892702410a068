// The blocks that HDF5 files are built of: addresses, object headers, heaps of text.
// Format: The HDF Group, "HDF5 File Format Specification", version 3.0.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/import/bytes.h"

namespace tinct {

struct Hdf5Message {
  /// Those that are understood; all others are passed over.
  enum Type : std::uint16_t {
    dataspace = 0x01,
    link_info = 0x02,
    datatype = 0x03,
    link = 0x06,
    external_files = 0x07,
    layout = 0x08,
    filters = 0x0B,
    attribute = 0x0C,
    continuation = 0x10,
    symbol_table = 0x11,
    attribute_info = 0x15,
  };
  std::uint16_t type = 0;
  bool shared = false;  ///< it only refers to a message elsewhere
  std::string_view data;
  std::uint64_t offset = 0;  ///< of `data` in the file

  ByteReader reader() const { return ByteReader(data, offset); }
};

/// A named object of a group.
struct Hdf5Link {
  std::string name;
  std::uint64_t address = 0;  ///< of its object header
};

/// All functions throw WeightsError for what is damaged, and when blocks are used again and again,
/// as they are where a small file pretends to be a large one.
class Hdf5Blocks {
 public:
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  explicit Hdf5Blocks(std::string_view file) : file_(file), budget_(4 * file.size() + (1U << 20)) {}

  /// The header of the root group, as the superblock (versions 0 to 3) has it.
  std::uint64_t root();
  std::vector<Hdf5Message> header(std::uint64_t address);
  /// A group's members by its B-tree and local heap.
  std::vector<Hdf5Link> symbols(std::uint64_t tree, std::uint64_t heap);
  /// An object of the global heap.
  std::string_view global(std::uint64_t collection, std::uint32_t index);

  /// From an address to the end of the file.
  ByteReader at(std::uint64_t address) const;
  /// The same past a four-letter signature, which must be there.
  ByteReader at(std::uint64_t address, std::string_view signature) const;
  std::string_view bytes(std::uint64_t address, std::uint64_t size) const;
  /// Counts work against what an honest file of this size can need.
  void spend(std::uint64_t bytes);

 private:
  void header_v1(std::uint64_t address, std::vector<Hdf5Message>& out);
  void header_v2(std::uint64_t address, std::vector<Hdf5Message>& out);
  void symbols(std::uint64_t tree, int level, std::string_view names, std::vector<Hdf5Link>& out);

  std::string_view file_;
  std::uint64_t budget_;
  std::map<std::uint64_t, std::map<std::uint32_t, std::string_view>> collections_;
};

/// Bob Jenkins's lookup3, the checksum of HDF5's newer blocks.
std::uint32_t hdf5_checksum(std::string_view bytes);

}  // namespace tinct
