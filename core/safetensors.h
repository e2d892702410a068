// The safetensors file format, read strictly and written canonically.
// Format: the huggingface/safetensors README; the checks are those of its reference reader.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace tinct {

/// One entry of a file's header.
struct TensorEntry {
  std::string name;
  std::string dtype;  ///< as in the file: "F32", "F16", "BF16", "F64", "I64", "I32", "I8", "U8", …
  std::vector<std::size_t> extents;  ///< as in the file, any rank
  std::uint64_t begin = 0;           ///< bytes, from the start of the data
  std::uint64_t end = 0;
};

using Metadata = std::map<std::string, std::string>;
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// An open file whose header has been checked whole. Reads with pread; never maps the file.
class SafetensorsFile {
 public:
  /// Throws IoError when the file cannot be opened or read and WeightsError when it is not a valid
  /// safetensors file; both name the file, and the latter the offset and the reason.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&& other) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) = delete;

  const std::string& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }
  /// nullptr when there is none of that name.
  const TensorEntry* find(const std::string& name) const;

  /// Reads one tensor. F32, F16, BF16, F64, I64, I32 and I8 become f32; U8 and BOOL become u8. Up
  /// to four extents, aligned right: (c) -> (1,1,1,c), (h,w) -> (1,1,h,w). Throws WeightsError for
  /// an absent name, another dtype or a higher rank.
  Tensor load(const std::string& name) const;
  /// Every tensor, in the file's order.
  NamedTensors load_all() const;

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t data_begin_ = 0;
  Metadata metadata_;
  std::vector<TensorEntry> entries_;
};

/// Writes F32 and U8 tensors with four extents each, sorted by alignment, then by name, through a
/// temporary file that is synced and renamed over `path`: a reader sees the old file or the new
/// one. A tensor named in `extents` is written with those instead, any rank of the same size; one
/// named in `dtypes` as "F16" (rounded to nearest) or "I8" (whole numbers from -128 to 127).
/// Throws IoError, and std::invalid_argument for a number that the dtype does not hold.
void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const Metadata& metadata = {},
                       const std::map<std::string, std::vector<std::size_t>>& extents = {},
                       const std::map<std::string, std::string>& dtypes = {});

}  // namespace tinct
