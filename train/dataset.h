// A data set on disk: an index and shards of raw 8-bit sRGB pictures, read at random.
//
// A data set is a folder. `index.jsonl` holds a header line (format, version, number of pictures,
// shards with their sizes, checksum of the lines below) and one line a picture. A shard is the
// pictures' bytes one after the other, row by row, R G B; each picture starts at a multiple of 64.
// Raw bytes are read in a tenth of a millisecond; a PNG of the same picture takes ten.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace tinct {

enum class Split : std::uint8_t { train, val };

const char* to_string(Split split);

/// What the index knows about a picture.
struct Picture {
  std::string name;    ///< unique: where it came from, relative to the folder that was prepared
  std::string source;  ///< the package or folder it belongs to, for sampling weights
  Split split = Split::train;
  std::size_t width = 0;
  std::size_t height = 0;
  double chroma = 0;               ///< mean Lab chroma
  std::uint64_t content_hash = 0;  ///< of the decoded original; the same for the same pixels
  std::size_t shard = 0;           ///< the rest says where its bytes lie
  std::uint64_t offset = 0;
  std::uint64_t checksum = 0;  ///< hash64 of the stored bytes

  std::uint64_t bytes() const { return std::uint64_t{width} * height * 3; }
};

/// An open data set. Reading is safe from any number of threads at once.
class Dataset {
 public:
  /// Reads and checks the whole index and the sizes of the shards. Throws IoError when the folder
  /// or a file in it cannot be opened and DataError naming the file and the reason for any damage.
  explicit Dataset(const std::string& path);
  ~Dataset();
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const std::string& path() const { return path_; }
  std::size_t size() const { return pictures_.size(); }
  const Picture& picture(std::size_t i) const { return pictures_.at(i); }
  /// The pictures of a split, in the index's order.
  const std::vector<std::size_t>& split(Split which) const {
    return which == Split::train ? train_ : val_;
  }
  /// hash64 of the index, hence of every checksum in it: two data sets with one fingerprint hold
  /// the same pictures.
  std::uint64_t fingerprint() const { return fingerprint_; }

  /// sRGB, u8 (1,height,width,3). The first read of a picture verifies its checksum. Throws
  /// DataError naming shard and picture when the bytes are damaged, IoError when they cannot be
  /// read, std::out_of_range.
  Tensor read(std::size_t i) const;

 private:
  void open_shards(const std::vector<std::uint64_t>& sizes);
  void close_shards();

  std::string path_;
  std::vector<Picture> pictures_;
  std::vector<std::size_t> train_, val_;
  std::uint64_t fingerprint_ = 0;
  std::vector<int> shards_;                                 // file descriptors
  std::unique_ptr<std::atomic<unsigned char>[]> verified_;  // by picture
};

/// Writes a data set into a temporary folder beside `path`, which commit() syncs and renames: a
/// reader sees a whole data set or none.
class DatasetWriter {
 public:
  /// An empty folder at `path` is replaced; with `overwrite` a data set is too, at commit(), in
  /// one step. Throws IoError when anything else is there or the parent cannot be written.
  explicit DatasetWriter(std::string path, bool overwrite = false,
                         std::uint64_t shard_bytes = std::uint64_t{256} << 20);
  ~DatasetWriter();  ///< removes the temporary folder unless commit() was called
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  /// Appends a picture: u8 (1,h,w,3). Takes name, source, split, chroma and content_hash from
  /// `picture`, the rest from the pixels. Throws IoError; std::invalid_argument for another shape.
  void add(const Picture& picture, const Tensor& rgb);
  /// A further file of the folder, such as a report.
  void add_file(const std::string& name, std::string_view bytes);
  /// Throws IoError; then `path` is as it was.
  void commit();

  const std::vector<Picture>& pictures() const { return pictures_; }

 private:
  void write(const void* data, std::size_t bytes);
  void close_shard();
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  std::string temporary_;
  bool overwrite_;
  std::uint64_t shard_bytes_;
  std::vector<Picture> pictures_;
  std::vector<std::uint64_t> shard_sizes_;
  int shard_ = -1;  // file descriptor of the shard being written
};

}  // namespace tinct
