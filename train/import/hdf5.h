// HDF5 files, read strictly from memory: the tree of groups, attributes that are text, datasets of
// numbers. Links to other files, data in other files and virtual data are never followed, and the
// only filters are deflate and shuffle: a file is data and cannot reach beyond itself.
// The format's own library has had too many memory errors to be let near a stranger's file.
// Format: The HDF Group, "HDF5 File Format Specification", version 3.0.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "train/import/hdf5_blocks.h"

namespace tinct {

struct Hdf5Type {
  std::string dtype;       ///< as in safetensors; "" for what is no little-endian number
  std::size_t size = 0;    ///< bytes of an element in the file
  bool text = false;       ///< of fixed length,
  bool heap_text = false;  ///< or in the global heap
};

struct Hdf5Dataset {
  std::vector<std::size_t> extents;
  Hdf5Type type;
  Hdf5Message layout, filters;  ///< as they are in the file
};

struct Hdf5Object {
  std::string path;                                       ///< "layers/conv2d/vars"; "" is the root
  std::map<std::string, std::vector<std::string>> texts;  ///< its attributes of texts
  bool is_dataset = false;
  Hdf5Dataset dataset;
};

/// At most 100 000 objects, groups at most 64 deep. All members throw WeightsError, for damage and
/// for what is not read.
class Hdf5File {
 public:
  /// Reads the whole tree but no numbers. `file` must outlive this.
  explicit Hdf5File(std::string_view file);

  /// Each before its members, members by name as the file has them.
  const std::vector<Hdf5Object>& objects() const { return objects_; }
  /// nullptr when there is none of that path.
  const Hdf5Object* find(const std::string& path) const;
  /// A dataset's numbers, row-major; they lie in the file, or in a new last string of `buffers`.
  std::string_view numbers(const Hdf5Object& object, std::deque<std::string>& buffers);

 private:
  void walk(const Hdf5Link& link, const std::string& parent, int depth);
  void read_attribute(const Hdf5Message& message, Hdf5Object& object);
  std::string_view chunks(const Hdf5Dataset& dataset, ByteReader layout, std::size_t bytes,
                          std::deque<std::string>& buffers);

  Hdf5Blocks blocks_;
  std::uint64_t most_unpacked_;  ///< of all datasets together, in bytes
  std::vector<Hdf5Object> objects_;
  std::map<std::string, std::size_t> by_path_;
  std::set<std::uint64_t> seen_;  ///< addresses of headers
};

}  // namespace tinct
