// The tree of an HDF5 file: groups, attributes, and what its datasets say of themselves.
#include "train/import/hdf5.h"

#include <algorithm>

#include "train/import/source.h"

namespace tinct {
namespace {

// The bits of a floating-point number, as a datatype message lists them.
struct FloatLayout {
  const char* dtype;
  std::uint32_t size;
  std::uint8_t exponent_at, exponent_bits, mantissa_bits;
  std::uint32_t bias;
};
constexpr FloatLayout kFloats[] = {{"F16", 2, 10, 5, 10, 15},
                                   {"BF16", 2, 7, 8, 7, 127},
                                   {"F32", 4, 23, 8, 23, 127},
                                   {"F64", 8, 52, 11, 52, 1023}};

std::string float_dtype(ByteReader& reader, std::uint32_t bits, std::uint32_t size) {
  const auto first = reader.number<std::uint16_t>();
  const auto precision = reader.number<std::uint16_t>();
  const auto exponent_at = reader.number<std::uint8_t>();
  const auto exponent_bits = reader.number<std::uint8_t>();
  const auto mantissa_at = reader.number<std::uint8_t>();
  const auto mantissa_bits = reader.number<std::uint8_t>();
  const auto bias = reader.number<std::uint32_t>();
  // Little-endian without padding, the mantissa's leading bit implied, the sign on top.
  const bool plain = (bits & 0x7F) == 0x20 && bits >> 8 == 8 * size - 1 && first == 0 &&
                     precision == 8 * size && mantissa_at == 0;
  for (const FloatLayout& f : kFloats) {
    if (plain && f.size == size && f.exponent_at == exponent_at &&
        f.exponent_bits == exponent_bits && f.mantissa_bits == mantissa_bits && f.bias == bias) {
      return f.dtype;
    }
  }
  return "";
}

std::string integer_dtype(ByteReader& reader, std::uint32_t bits, std::uint32_t size) {
  const auto first = reader.number<std::uint16_t>();
  const auto precision = reader.number<std::uint16_t>();
  if ((bits & 7) != 0 || first != 0 || precision != 8 * size) return "";
  const bool is_signed = (bits & 8) != 0;
  if (!is_signed) return size == 1 ? "U8" : "";
  return size == 1 ? "I8" : size == 2 ? "I16" : size == 4 ? "I32" : size == 8 ? "I64" : "";
}

Hdf5Type read_type(ByteReader& reader) {
  enum : std::uint32_t { integer = 0, floating = 1, text = 3, variable = 9 };
  const auto head = reader.number<std::uint32_t>();
  Hdf5Type out;
  out.size = reader.number<std::uint32_t>();
  const std::uint32_t bits = head >> 8, version = head >> 4 & 15;
  if (version < 1 || version > 5) reader.fail("HDF5: an unknown version of a datatype");
  if (out.size == 0) reader.fail("HDF5: a type of no size");
  const auto size = static_cast<std::uint32_t>(out.size);
  switch (head & 15) {
    case integer:
      out.dtype = integer_dtype(reader, bits, size);
      break;
    case floating:
      out.dtype = float_dtype(reader, bits, size);
      break;
    case text:
      out.text = true;
      break;
    case variable:
      out.heap_text = (bits & 15) == 1 && size == 16;
      break;
    default:
      break;
  }
  return out;
}

std::vector<std::size_t> read_space(ByteReader& reader) {
  const auto version = reader.number<std::uint8_t>();
  const auto rank = reader.number<std::uint8_t>();
  reader.take(1);
  bool none = false;
  if (version == 1) {
    reader.take(5);
  } else if (version == 2) {
    const auto kind = reader.number<std::uint8_t>();
    if (kind > 2) reader.fail("HDF5: an unknown kind of dataspace");
    none = kind == 2;
  } else {
    reader.fail("HDF5: an unknown version of a dataspace");
  }
  if (rank > 32) reader.fail("HDF5: too many extents");
  std::vector<std::size_t> extents(rank);
  for (std::size_t& e : extents) {
    e = reader.number<std::uint64_t>();
    if (e > std::uint64_t{1} << 40) reader.fail("HDF5: an absurd extent");
  }
  if (none) extents = {0};
  return extents;
}

ByteReader part(ByteReader& reader, std::uint64_t size, bool padded) {
  const std::uint64_t offset = reader.offset();
  const std::string_view out = reader.take(size);
  if (padded) reader.take((8 - size % 8) % 8);
  return ByteReader(out, offset);
}

void check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= 4096;
  for (const char c : name) good &= c != '/' && static_cast<unsigned char>(c) >= ' ' && c != 127;
  if (!good) throw WeightsError("HDF5: a name that cannot be one");
}

// A link message; false for links that lead elsewhere than to an object of this file.
bool read_link(const Hdf5Message& message, Hdf5Link& link) {
  ByteReader reader = message.reader();
  if (reader.number<std::uint8_t>() != 1) reader.fail("HDF5: an unknown version of a link");
  const auto flags = reader.number<std::uint8_t>();
  const bool hard = (flags & 8) == 0 || reader.number<std::uint8_t>() == 0;
  if ((flags & 4) != 0) reader.take(8);   // creation order
  if ((flags & 16) != 0) reader.take(1);  // character set
  std::uint64_t length = 0;
  const std::string_view raw = reader.take(std::uint64_t{1} << (flags & 3));
  std::memcpy(&length, raw.data(), raw.size());
  link.name = reader.take(length);
  if (hard) link.address = reader.number<std::uint64_t>();
  return hard;
}

// Many links or attributes lie in a heap of their own, in files written with libver="latest".
void refuse_dense(const Hdf5Message& message) {
  ByteReader reader = message.reader();
  reader.take(1);
  const auto flags = reader.number<std::uint8_t>();
  if ((flags & 1) != 0) reader.take(message.type == Hdf5Message::link_info ? 8 : 2);
  if (reader.number<std::uint64_t>() != Hdf5Blocks::kNowhere) {
    reader.fail("HDF5: written with libver=\"latest\", which is not read; h5repack rewrites it");
  }
}

}  // namespace

Hdf5File::Hdf5File(std::string_view file)
    : blocks_(file), most_unpacked_(100 * file.size() + (1U << 20)) {
  walk({"", blocks_.root()}, "", 0);
  for (std::size_t i = 0; i < objects_.size(); ++i) by_path_.emplace(objects_[i].path, i);
}

const Hdf5Object* Hdf5File::find(const std::string& path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : &objects_[found->second];
}

void Hdf5File::walk(const Hdf5Link& link, const std::string& parent, int depth) {
  if (depth > 0) check_name(link.name);
  if (depth > 64) throw WeightsError("HDF5: groups are nested too deeply");
  if (objects_.size() >= 100'000) throw WeightsError("HDF5: more than 100000 objects");
  if (!seen_.insert(link.address).second) throw WeightsError("HDF5: an object has two places");
  Hdf5Object object;
  object.path = parent.empty() ? link.name : parent + "/" + link.name;
  blocks_.spend(object.path.size());
  std::vector<Hdf5Link> members;
  bool has_type = false, has_space = false;
  for (const Hdf5Message& m : blocks_.header(link.address)) {
    ByteReader reader = m.reader();
    if (m.shared && m.type != Hdf5Message::attribute) {
      if (m.type == Hdf5Message::datatype) object.dataset.type = {};
      has_type |= m.type == Hdf5Message::datatype;
      continue;
    }
    switch (m.type) {
      case Hdf5Message::dataspace:
        object.dataset.extents = read_space(reader);
        has_space = true;
        break;
      case Hdf5Message::datatype:
        object.dataset.type = read_type(reader);
        has_type = true;
        break;
      case Hdf5Message::external_files:
        reader.fail("HDF5: numbers in other files, which are not opened");
      case Hdf5Message::layout:
        object.dataset.layout = m;
        object.is_dataset = true;
        break;
      case Hdf5Message::filters:
        object.dataset.filters = m;
        break;
      case Hdf5Message::attribute:
        read_attribute(m, object);
        break;
      case Hdf5Message::link_info:
      case Hdf5Message::attribute_info:
        refuse_dense(m);
        break;
      case Hdf5Message::link:
        if (Hdf5Link member; read_link(m, member)) members.push_back(std::move(member));
        break;
      case Hdf5Message::symbol_table: {
        const auto tree = reader.number<std::uint64_t>();
        members = blocks_.symbols(tree, reader.number<std::uint64_t>());
        break;
      }
      default:
        break;
    }
  }
  if (object.is_dataset && !(has_type && has_space)) {
    throw WeightsError("HDF5: \"" + object.path + "\" has no type or no extents");
  }
  const std::string path = object.path;
  objects_.push_back(std::move(object));
  for (const Hdf5Link& member : members) walk(member, path, depth + 1);
}

// Attributes of numbers, and those of types that are only referred to, are passed over.
void Hdf5File::read_attribute(const Hdf5Message& message, Hdf5Object& object) {
  ByteReader reader = message.reader();
  const auto version = reader.number<std::uint8_t>();
  if (version < 1 || version > 3) reader.fail("HDF5: an unknown version of an attribute");
  const auto flags = reader.number<std::uint8_t>();
  if (message.shared || (version > 1 && flags != 0)) return;
  const auto name_size = reader.number<std::uint16_t>();
  const auto type_size = reader.number<std::uint16_t>();
  const auto space_size = reader.number<std::uint16_t>();
  if (version == 3) reader.take(1);  // character set
  const bool padded = version == 1;
  ByteReader name_part = part(reader, name_size, padded);
  std::string name(name_part.take(name_size));
  name = name.c_str();  // up to its end, which is a NUL
  ByteReader type_part = part(reader, type_size, padded);
  ByteReader space_part = part(reader, space_size, padded);
  const Hdf5Type type = read_type(type_part);
  std::size_t count = 0;
  if (!type.text && !type.heap_text) return;
  if (!count_elements(read_space(space_part), count) || count > reader.left() / type.size) {
    reader.fail("HDF5: an attribute of more texts than there are");
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text;
    if (type.text) {
      text = reader.take(type.size);
      while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
    } else {
      const auto length = reader.number<std::uint32_t>();
      const auto collection = reader.number<std::uint64_t>();
      const auto index = reader.number<std::uint32_t>();
      if (length > 0) {
        const std::string_view all = blocks_.global(collection, index);
        if (length > all.size()) reader.fail("HDF5: a text is longer than its place");
        blocks_.spend(length);
        text = all.substr(0, std::min<std::size_t>(length, all.find('\0')));
      }
    }
    texts.push_back(std::move(text));
  }
  if (!object.texts.emplace(std::move(name), std::move(texts)).second) {
    reader.fail("HDF5: an attribute is there twice");
  }
}

}  // namespace tinct
