// The numbers of an HDF5 dataset: in one piece, or in chunks that may be shuffled and deflated.
#include <zlib.h>

#include "train/import/hdf5.h"
#include "train/import/source.h"

namespace tinct {
namespace {

struct Filters {
  bool shuffle = false, deflate = false;
};

// Writers shuffle before they deflate; readers go backwards.
Filters read_filters(const Hdf5Message& message) {
  Filters out;
  if (message.data.empty()) return out;
  ByteReader reader = message.reader();
  const auto version = reader.number<std::uint8_t>();
  if (version < 1 || version > 2) reader.fail("HDF5: an unknown version of the filters");
  const auto count = reader.number<std::uint8_t>();
  if (version == 1) reader.take(6);
  for (int i = 0; i < count; ++i) {
    const auto id = reader.number<std::uint16_t>();
    const std::uint16_t name = version == 1 || id >= 256 ? reader.number<std::uint16_t>() : 0;
    reader.take(2);
    const auto values = reader.number<std::uint16_t>();
    reader.take(version == 1 ? (name + 7) / 8 * 8 : name);
    reader.take(4 * (version == 1 ? (values + 1) / 2 * 2 : values));
    if (id == 1 && !out.deflate) {
      out.deflate = true;
    } else if (id == 2 && !out.shuffle && !out.deflate) {
      out.shuffle = true;
    } else {
      reader.fail("HDF5: filter " + std::to_string(id) +
                  " is not read, only shuffle and deflate are");
    }
  }
  return out;
}

std::string inflated(std::string_view packed, std::size_t size) {
  std::string out(size, '\0');
  uLongf got = size;
  const int result = uncompress(reinterpret_cast<Bytef*>(out.data()), &got,
                                reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  if (result != Z_OK || got != size) throw WeightsError("HDF5: a deflated chunk is damaged");
  return out;
}

// All first bytes, then all second bytes, … back to elements.
std::string unshuffled(std::string_view bytes, std::size_t element) {
  const std::size_t count = bytes.size() / element;
  std::string out(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t b = 0; b < element; ++b) out[i * element + b] = bytes[b * count + i];
  }
  return out;
}

// The grid of chunks that covers a dataset.
class ChunkGrid {
 public:
  ChunkGrid(const std::vector<std::size_t>& extents, std::vector<std::size_t> chunk,
            std::size_t element)
      : extents_(extents), chunk_(std::move(chunk)), element_(element) {}

  std::size_t count() const {
    std::size_t out = 1;
    for (std::size_t d = 0; d < chunk_.size(); ++d)
      out *= (extents_[d] + chunk_[d] - 1) / chunk_[d];
    return out;
  }

  // Puts a chunk whose first element is at `first` in its place, row by row.
  void place(const std::vector<std::size_t>& first, std::string_view bytes,
             std::string& out) const {
    const std::size_t last = chunk_.size() - 1;
    const std::size_t row = std::min(chunk_[last], extents_[last] - first[last]) * element_;
    const std::vector<std::size_t> strides = dense_strides(extents_);
    std::vector<std::size_t> index(chunk_.size(), 0);  // within the chunk
    for (std::size_t from = 0; from < bytes.size(); from += chunk_[last] * element_) {
      std::size_t to = 0;
      bool inside = true;
      for (std::size_t d = 0; d < index.size(); ++d) {
        inside &= first[d] + index[d] < extents_[d];
        to += (first[d] + index[d]) * strides[d];
      }
      if (inside) std::memcpy(out.data() + to * element_, bytes.data() + from, row);
      for (std::size_t d = last; d-- > 0;) {
        if (++index[d] < chunk_[d]) break;
        index[d] = 0;
      }
    }
  }

 private:
  const std::vector<std::size_t>& extents_;
  std::vector<std::size_t> chunk_;
  std::size_t element_;
};

struct Chunk {
  std::vector<std::size_t> first;
  std::uint32_t size = 0, filter_mask = 0;
  std::uint64_t address = 0;
};

// The leaves of the B-tree that chunks are found by.
void collect_chunks(Hdf5Blocks& blocks, std::uint64_t address, int level, std::size_t rank,
                    std::vector<Chunk>& out) {
  ByteReader node = blocks.at(address, "TREE");
  if (node.number<std::uint8_t>() != 1) node.fail("HDF5: no tree of chunks");
  const int found = node.number<std::uint8_t>();
  if (level >= 0 && found != level) node.fail("HDF5: a tree's levels do not fit");
  const auto children = node.number<std::uint16_t>();
  node.take(16);
  blocks.spend(64 + children * (24 + 8 * rank));
  for (std::size_t i = 0; i < children; ++i) {
    Chunk chunk;
    chunk.size = node.number<std::uint32_t>();
    chunk.filter_mask = node.number<std::uint32_t>();
    for (std::size_t d = 0; d < rank; ++d) chunk.first.push_back(node.number<std::uint64_t>());
    node.take(8);  // the offset within an element
    chunk.address = node.number<std::uint64_t>();
    if (found > 0) {
      collect_chunks(blocks, chunk.address, found - 1, rank, out);
    } else {
      out.push_back(std::move(chunk));
    }
  }
}

}  // namespace

std::string_view Hdf5File::numbers(const Hdf5Object& object, std::deque<std::string>& buffers) {
  const Hdf5Dataset& data = object.dataset;
  const std::string what = "HDF5: \"" + object.path + "\" " + extents_text(data.extents);
  if (!object.is_dataset) throw WeightsError("HDF5: \"" + object.path + "\" holds no numbers");
  if (data.type.dtype.empty()) throw WeightsError(what + " is of a type that is not read");
  std::size_t count = 0;
  if (data.extents.size() > 8 || !count_elements(data.extents, count) ||
      count > most_unpacked_ / data.type.size) {
    throw WeightsError(what + " is absurdly large for its file");
  }
  const std::size_t bytes = count * data.type.size;
  ByteReader layout = data.layout.reader();
  const auto version = layout.number<std::uint8_t>();
  if (version != 3 && version != 4) throw WeightsError(what + ": an unknown version of its layout");
  enum : std::uint8_t { compact = 0, contiguous = 1, chunked = 2 };
  const auto kind = layout.number<std::uint8_t>();
  if (kind != chunked && !data.filters.data.empty()) {
    throw WeightsError(what + " has filters but no chunks");
  }
  std::string_view out;
  if (kind == compact) {
    out = layout.take(layout.number<std::uint16_t>());
  } else if (kind == contiguous) {
    const auto address = layout.number<std::uint64_t>();
    const auto size = layout.number<std::uint64_t>();
    if (address == Hdf5Blocks::kNowhere && bytes > 0) {
      throw WeightsError(what + " was never written");
    }
    out = blocks_.bytes(address, size);
  } else if (kind == chunked && version == 3 && !data.extents.empty() && bytes > 0) {
    most_unpacked_ -= bytes;
    return chunks(data, layout, bytes, buffers);
  } else {
    throw WeightsError(what + " is laid out in a way that is not read; h5repack rewrites it");
  }
  if (out.size() != bytes) {
    throw WeightsError(what + " does not fit its " + std::to_string(out.size()) + " bytes");
  }
  return out;
}

std::string_view Hdf5File::chunks(const Hdf5Dataset& data, ByteReader layout, std::size_t bytes,
                                  std::deque<std::string>& buffers) {
  const std::size_t rank = data.extents.size();
  if (layout.number<std::uint8_t>() != rank + 1) layout.fail("HDF5: chunks of another rank");
  const auto tree = layout.number<std::uint64_t>();
  std::vector<std::size_t> chunk(rank);
  std::size_t chunk_count = 0;
  for (std::size_t& c : chunk) {
    c = layout.number<std::uint32_t>();
    if (c == 0) layout.fail("HDF5: chunks of no size");
  }
  if (layout.number<std::uint32_t>() != data.type.size) layout.fail("HDF5: an element's size");
  if (!count_elements(chunk, chunk_count) || chunk_count > most_unpacked_ / data.type.size) {
    layout.fail("HDF5: absurdly large chunks");
  }
  const std::size_t chunk_bytes = chunk_count * data.type.size;
  const Filters filters = read_filters(data.filters);
  const ChunkGrid grid(data.extents, chunk, data.type.size);
  std::vector<Chunk> found;
  collect_chunks(blocks_, tree, -1, rank, found);
  std::set<std::vector<std::size_t>> places;
  std::string out(bytes, '\0');
  for (const Chunk& c : found) {
    for (std::size_t d = 0; d < rank; ++d) {
      if (c.first[d] % chunk[d] != 0 || c.first[d] >= data.extents[d]) {
        layout.fail("HDF5: a chunk lies outside its dataset");
      }
    }
    if (!places.insert(c.first).second) layout.fail("HDF5: a chunk is there twice");
    if (c.filter_mask != 0) layout.fail("HDF5: a chunk that skips filters is not read");
    // Every chunk is unpacked whole, also what of it lies beyond the dataset.
    if (chunk_bytes > most_unpacked_) layout.fail("HDF5: absurdly large chunks");
    most_unpacked_ -= chunk_bytes;
    std::string unpacked(blocks_.bytes(c.address, c.size));
    if (filters.deflate) unpacked = inflated(unpacked, chunk_bytes);
    if (unpacked.size() != chunk_bytes) layout.fail("HDF5: a chunk of another size");
    if (filters.shuffle) unpacked = unshuffled(unpacked, data.type.size);
    grid.place(c.first, unpacked, out);
  }
  if (found.size() != grid.count()) layout.fail("HDF5: chunks are missing");
  buffers.push_back(std::move(out));
  return buffers.back();
}

}  // namespace tinct
