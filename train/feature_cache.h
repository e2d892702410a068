// What a model's frozen layers answer, kept in a file: computed once a sample, read afterwards.
//
// Where a data set is cut in a fixed number of ways, a frozen backbone is asked the same again and
// again. The file holds its maps (Model::frozen) as 16-bit floats and is mapped into memory: a
// header, a table of the samples' hashes and the records' checksums, the records. A sample is known
// by the hash of its pixels, so that whoever asks needs to know nothing of pictures and crops; a
// record that is damaged is computed anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/model.h"

namespace tinct {

class FeatureCache {
 public:
  /// For up to `samples` inputs (1,crop,crop,1) of the model; after that the oldest give way. Opens
  /// the file at `path` where it is of the same layers, crop and number of samples, else makes it
  /// anew; all the room it needs is taken at once. The model's frozen layers are shared with it.
  /// Throws std::invalid_argument for a model of which nothing is frozen, and IoError when the disk
  /// has too little room, saying how much is needed, when the file cannot be made, or when another
  /// process uses it.
  FeatureCache(std::string path, const Model& model, std::size_t crop, std::size_t samples);
  ~FeatureCache();
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  /// Model::frozen of x (n,crop,crop,1), each number rounded to 16 bits, beyond 65504 to 65504,
  /// also where it had to be computed: the answer does not depend on what the cache holds. Throws
  /// std::invalid_argument for another shape, NumericError for an answer that is not finite.
  std::vector<Value> operator()(const Value& x);

  /// Bytes of the file for one sample.
  std::size_t sample_bytes() const { return record_bytes_ + 2 * sizeof(std::uint64_t); }
  std::size_t known() const { return slots_.size(); }  ///< samples in it
  std::size_t computed() const { return computed_; }   ///< samples computed since it was opened

 private:
  struct Entry {
    std::uint64_t key;  ///< hash of the input; 0: empty
    std::uint64_t checksum;
  };

  void probe(std::size_t crop);
  bool open_existing();
  void create();
  void map();
  void close();
  std::uint64_t file_bytes() const;
  const std::uint16_t* whole_record(std::uint64_t key);
  void store(std::uint64_t key, const std::uint16_t* record);
  void compute(const Tensor& input, const std::vector<std::size_t>& which,
               const std::vector<std::uint64_t>& keys, std::vector<Tensor>& out);
  void widen(const std::uint16_t* record, std::size_t sample, std::vector<Tensor>& out) const;

  std::string path_;
  std::function<std::vector<Value>(const Value& x)> frozen_;
  std::size_t samples_;
  Shape input_;                // of one sample
  std::vector<Shape> shapes_;  // of its maps; size 0: one that is left empty
  std::size_t halves_ = 0;     // in a record
  std::size_t record_bytes_ = 0;
  std::uint64_t fingerprint_ = 0;  // of the layers, through what they answer
  int fd_ = -1;
  std::byte* file_ = nullptr;
  Entry* table_ = nullptr;
  std::unordered_map<std::uint64_t, std::size_t> slots_;  // by key
  std::vector<bool> verified_;                            // by slot
  std::size_t next_ = 0;                                  // slot that is written next
  std::size_t computed_ = 0;
};

/// Throws IoError unless `bytes` more fit where `path` is to be; what is there already counts as
/// room.
void check_cache_room(const std::string& path, std::uint64_t bytes);
/// Bytes of the file that FeatureCache makes; 0 for a model of which nothing is frozen.
std::uint64_t cache_bytes(const Model& model, std::size_t crop, std::size_t samples);

}  // namespace tinct
