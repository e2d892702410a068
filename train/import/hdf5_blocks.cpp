// Superblock, object headers, symbol tables and heaps of HDF5 files.
#include "train/import/hdf5_blocks.h"

#include <bit>

namespace tinct {
namespace {

// The checksum lies in the four bytes after those that it is of.
void verify(std::string_view block, ByteReader& after) {
  if (hdf5_checksum(block) != after.number<std::uint32_t>())
    after.fail("HDF5: a checksum is wrong");
}

void expect(ByteReader& reader, std::uint8_t value, const char* what) {
  if (reader.number<std::uint8_t>() != value) {
    reader.fail(std::string("HDF5: an unknown version or size of ") + what);
  }
}

}  // namespace

std::uint32_t hdf5_checksum(std::string_view bytes) {
  const auto word = [](std::string_view from) {
    std::uint32_t out = 0;
    std::memcpy(&out, from.data(), std::min<std::size_t>(4, from.size()));
    return out;
  };
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size()), b = a, c = a;
  for (; bytes.size() > 12; bytes.remove_prefix(12)) {
    a += word(bytes);
    b += word(bytes.substr(4));
    c += word(bytes.substr(8));
    const auto mix = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t& z, int by) {
      x -= z;
      x ^= std::rotl(z, by);
      z += y;
    };
    mix(a, b, c, 4);
    mix(b, c, a, 6);
    mix(c, a, b, 8);
    mix(a, b, c, 16);
    mix(b, c, a, 19);
    mix(c, a, b, 4);
  }
  if (bytes.empty()) return c;
  a += word(bytes);
  if (bytes.size() > 4) b += word(bytes.substr(4));
  if (bytes.size() > 8) c += word(bytes.substr(8));
  const auto finish = [](std::uint32_t& x, std::uint32_t y, int by) {
    x = (x ^ y) - std::rotl(y, by);
  };
  finish(c, b, 14);
  finish(a, c, 11);
  finish(b, a, 25);
  finish(c, b, 16);
  finish(a, c, 4);
  finish(b, a, 14);
  finish(c, b, 24);
  return c;
}

ByteReader Hdf5Blocks::at(std::uint64_t address) const {
  if (address >= file_.size()) {
    throw WeightsError("HDF5: an address beyond the file's end: damaged or truncated");
  }
  return ByteReader(file_.substr(static_cast<std::size_t>(address)), address);
}

ByteReader Hdf5Blocks::at(std::uint64_t address, std::string_view signature) const {
  ByteReader reader = at(address);
  if (reader.take(signature.size()) != signature) {
    reader.fail("HDF5: there is no " + std::string(signature) + " block");
  }
  return reader;
}

std::string_view Hdf5Blocks::bytes(std::uint64_t address, std::uint64_t size) const {
  return size == 0 ? std::string_view() : at(address).take(size);
}

void Hdf5Blocks::spend(std::uint64_t bytes) {
  if (bytes > budget_) throw WeightsError("HDF5: its blocks are used over and over");
  budget_ -= bytes;
}

std::uint64_t Hdf5Blocks::root() {
  ByteReader reader = at(0, "\x89HDF\r\n\x1a\n");
  const auto version = reader.number<std::uint8_t>();
  if (version > 3) reader.fail("HDF5: an unknown version of its superblock");
  if (version < 2) {
    expect(reader, 0, "its free space");
    expect(reader, 0, "its root group");
    reader.take(1);
    expect(reader, 0, "its shared messages");
  }
  expect(reader, 8, "its addresses");
  expect(reader, 8, "its lengths");
  reader.take(version == 0 ? 9 : version == 1 ? 13 : 1);
  const auto base = reader.number<std::uint64_t>();
  if (base != 0) reader.fail("HDF5: it does not begin at address 0");
  reader.take(8);
  const auto end = reader.number<std::uint64_t>();
  if (end > file_.size()) {
    reader.fail("HDF5: truncated: it should have " + std::to_string(end) + " bytes, it has " +
                std::to_string(file_.size()));
  }
  if (version < 2) reader.take(16);  // driver information, the root's name
  const auto root = reader.number<std::uint64_t>();
  if (version >= 2) verify(file_.substr(0, reader.offset()), reader);
  return root;
}

std::vector<Hdf5Message> Hdf5Blocks::header(std::uint64_t address) {
  std::vector<Hdf5Message> out;
  if (bytes(address, 4) == "OHDR") {
    header_v2(address, out);
  } else {
    header_v1(address, out);
  }
  return out;
}

// Blocks of messages; a message may name a block that continues it.
void Hdf5Blocks::header_v1(std::uint64_t address, std::vector<Hdf5Message>& out) {
  ByteReader prefix = at(address);
  expect(prefix, 1, "an object header");
  prefix.take(1);
  std::size_t left = prefix.number<std::uint16_t>();
  prefix.take(4);
  const auto size = prefix.number<std::uint32_t>();
  prefix.take(4);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> blocks = {{prefix.offset(), size}};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [begin, length] = blocks[i];
    spend(64 + length);
    ByteReader reader(bytes(begin, length), begin);
    while (left > 0 && reader.left() >= 8) {
      Hdf5Message m;
      m.type = reader.number<std::uint16_t>();
      const auto bytes_of = reader.number<std::uint16_t>();
      m.shared = (reader.number<std::uint8_t>() & 2) != 0;
      reader.take(3);
      m.offset = reader.offset();
      m.data = reader.take(bytes_of);
      --left;
      if (m.type == Hdf5Message::continuation) {
        ByteReader where = m.reader();
        const auto to = where.number<std::uint64_t>();
        blocks.emplace_back(to, where.number<std::uint64_t>());
      }
      out.push_back(m);
    }
  }
  if (left > 0) prefix.fail("HDF5: an object header lacks messages");
}

void Hdf5Blocks::header_v2(std::uint64_t address, std::vector<Hdf5Message>& out) {
  ByteReader prefix = at(address, "OHDR");
  expect(prefix, 2, "an object header");
  const auto flags = prefix.number<std::uint8_t>();
  if ((flags & 0x20) != 0) prefix.take(16);  // times
  if ((flags & 0x10) != 0) prefix.take(4);   // when attributes go elsewhere
  std::uint64_t size = 0;
  std::memcpy(&size, prefix.take(std::uint64_t{1} << (flags & 3)).data(),
              std::size_t{1} << (flags & 3));
  struct Block {
    std::uint64_t begin, messages, size;
  };
  std::vector<Block> blocks = {{address, prefix.offset(), size}};
  const std::size_t message_prefix = (flags & 4) != 0 ? 6 : 4;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Block block = blocks[i];
    spend(64 + block.size);
    ByteReader reader(bytes(block.messages, block.size), block.messages);
    ByteReader after = at(block.messages + block.size);
    verify(bytes(block.begin, block.messages + block.size - block.begin), after);
    while (reader.left() >= message_prefix) {
      Hdf5Message m;
      m.type = reader.number<std::uint8_t>();
      const auto bytes_of = reader.number<std::uint16_t>();
      m.shared = (reader.number<std::uint8_t>() & 2) != 0;
      reader.take(message_prefix - 4);  // creation order
      m.offset = reader.offset();
      m.data = reader.take(bytes_of);
      if (m.type == Hdf5Message::continuation) {
        ByteReader where = m.reader();
        const auto to = where.number<std::uint64_t>();
        const auto length = where.number<std::uint64_t>();
        const ByteReader begin = at(to, "OCHK");
        if (length < 8) begin.fail("HDF5: a block of no size");
        blocks.push_back({to, begin.offset(), length - 8});
      }
      out.push_back(m);
    }
  }
}

std::vector<Hdf5Link> Hdf5Blocks::symbols(std::uint64_t tree, std::uint64_t heap) {
  ByteReader reader = at(heap, "HEAP");
  expect(reader, 0, "a local heap");
  reader.take(3);
  const auto size = reader.number<std::uint64_t>();
  reader.take(8);
  const std::string_view names = bytes(reader.number<std::uint64_t>(), size);
  std::vector<Hdf5Link> out;
  symbols(tree, -1, names, out);
  return out;
}

// A node of the B-tree, whose level must be `level` unless that is negative.
void Hdf5Blocks::symbols(std::uint64_t tree, int level, std::string_view names,
                         std::vector<Hdf5Link>& out) {
  ByteReader node = at(tree, "TREE");
  expect(node, 0, "a group's tree");
  const int found = node.number<std::uint8_t>();
  if (level >= 0 && found != level) node.fail("HDF5: a tree's levels do not fit");
  const auto children = node.number<std::uint16_t>();
  node.take(16);
  spend(64 + 16 * children);
  for (std::size_t i = 0; i < children; ++i) {
    node.take(8);
    const auto child = node.number<std::uint64_t>();
    if (found > 0) {
      symbols(child, found - 1, names, out);
      continue;
    }
    ByteReader leaf = at(child, "SNOD");
    expect(leaf, 1, "a symbol node");
    leaf.take(1);
    const auto symbols = leaf.number<std::uint16_t>();
    for (std::size_t s = 0; s < symbols; ++s) {
      const auto name = leaf.number<std::uint64_t>();
      const auto address = leaf.number<std::uint64_t>();
      const auto kind = leaf.number<std::uint32_t>();
      leaf.take(20);
      const std::size_t end = name < names.size() ? names.find('\0', name) : std::string_view::npos;
      if (end == std::string_view::npos) leaf.fail("HDF5: a name does not end");
      spend(40 + end - name);
      if (kind == 2) continue;  // a soft link
      out.push_back({std::string(names.substr(name, end - name)), address});
    }
  }
}

std::string_view Hdf5Blocks::global(std::uint64_t collection, std::uint32_t index) {
  auto [found, fresh] = collections_.try_emplace(collection);
  if (fresh) {
    ByteReader reader = at(collection, "GCOL");
    expect(reader, 1, "a global heap");
    reader.take(3);
    const auto size = reader.number<std::uint64_t>();
    if (size < 16) reader.fail("HDF5: a heap of no size");
    spend(size);
    reader = ByteReader(bytes(reader.offset(), size - 16), reader.offset());
    while (reader.left() >= 16) {
      const auto number = reader.number<std::uint16_t>();
      reader.take(6);
      const auto length = reader.number<std::uint64_t>();
      if (number == 0) break;  // free space
      found->second[number] = reader.take(length);
      reader.take(std::min<std::uint64_t>(reader.left(), (8 - length % 8) % 8));
    }
  }
  const auto object = found->second.find(index);
  if (object == found->second.end()) throw WeightsError("HDF5: a text is not in its heap");
  return object->second;
}

}  // namespace tinct
