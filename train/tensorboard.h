// TensorBoard event files, written without any protobuf library.
// Format: tensorboard/summary/writer/record_writer.py, compat/proto/event.proto, summary.proto.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinct {

/// CRC-32C (Castagnoli). crc32c("123456789") = 0xe3069283.
std::uint32_t crc32c(std::string_view bytes);
/// As TFRecord stores it: rotated right by 15, plus a constant.
std::uint32_t masked_crc32c(std::string_view bytes);

/// Whole records, ready to be appended to a file. `wall_time` in seconds since 1970.
std::string tensorboard_version_record(double wall_time);
std::string tensorboard_scalars_record(double wall_time, std::int64_t step,
                                       const std::vector<std::pair<std::string, float>>& scalars);
std::string tensorboard_image_record(double wall_time, std::int64_t step, const std::string& tag,
                                     int height, int width, std::string_view png);
/// Makes TensorBoard forget what earlier files of the run say about `step` and later.
std::string tensorboard_restart_record(double wall_time, std::int64_t step);

/// An event file in `folder`, named as TensorBoard expects: events.out.tfevents.TIME.HOST.PID.N.
class TensorBoardFile {
 public:
  /// Opens a new file. Throws IoError.
  explicit TensorBoardFile(const std::string& folder);
  ~TensorBoardFile();
  TensorBoardFile(const TensorBoardFile&) = delete;
  TensorBoardFile& operator=(const TensorBoardFile&) = delete;

  void add_scalars(std::int64_t step, const std::vector<std::pair<std::string, float>>& scalars);
  void add_image(std::int64_t step, const std::string& tag, int height, int width,
                 std::string_view png);
  void add_restart(std::int64_t step);

 private:
  void append(const std::string& record);
  int fd_ = -1;
  std::string pending_;  // what a full disk has refused so far
};

}  // namespace tinct
