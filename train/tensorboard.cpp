// TensorBoard's records: protocol buffers by hand, framed with checksums.
#include "train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "core/error.h"

namespace tinct {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? (c >> 1) ^ 0x82F63B78u : c >> 1;
    table[i] = c;
  }
  return table;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Protocol buffer fields: a key (number and wire type), then the value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string integer(int field, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
}
std::string fixed64(int field, double value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 1) + little_endian(value);
}
std::string fixed32(int field, float value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 5) + little_endian(value);
}
std::string bytes_field(int field, std::string_view value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(value.size()) +
         std::string(value);
}

// TFRecord: length, its checksum, the bytes, their checksum.
std::string record(const std::string& event) {
  const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
  return length + little_endian(masked_crc32c(length)) + event +
         little_endian(masked_crc32c(event));
}

// Event: 1 wall_time, 2 step.
std::string event_head(double wall_time, std::int64_t step) {
  return fixed64(1, wall_time) + integer(2, static_cast<std::uint64_t>(step));
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = crc_table();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const char b : bytes) c = table[(c ^ static_cast<unsigned char>(b)) & 0xFF] ^ (c >> 8);
  return ~c;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

std::string tensorboard_version_record(double wall_time) {
  return record(fixed64(1, wall_time) + bytes_field(3, "brain.Event:2"));
}

std::string tensorboard_scalars_record(double wall_time, std::int64_t step,
                                       const std::vector<std::pair<std::string, float>>& scalars) {
  std::string summary;  // repeated 1 value; Value: 1 tag, 2 simple_value
  for (const auto& [tag, value] : scalars) {
    summary += bytes_field(1, bytes_field(1, tag) + fixed32(2, value));
  }
  return record(event_head(wall_time, step) + bytes_field(5, summary));
}

std::string tensorboard_image_record(double wall_time, std::int64_t step, const std::string& tag,
                                     int height, int width, std::string_view png) {
  constexpr int kRgb = 3;
  const std::string image = integer(1, static_cast<std::uint64_t>(height)) +
                            integer(2, static_cast<std::uint64_t>(width)) + integer(3, kRgb) +
                            bytes_field(4, png);
  const std::string value = bytes_field(1, tag) + bytes_field(4, image);
  return record(event_head(wall_time, step) + bytes_field(5, bytes_field(1, value)));
}

std::string tensorboard_restart_record(double wall_time, std::int64_t step) {
  constexpr int kStart = 1;  // SessionLog.SessionStatus
  return record(event_head(wall_time, step) + bytes_field(7, integer(1, kStart)));
}

TensorBoardFile::TensorBoardFile(const std::string& folder) {
  static std::atomic<int> counter{0};
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  char name[400];
  std::snprintf(name, sizeof name, "events.out.tfevents.%010lld.%s.%d.%d",
                static_cast<long long>(now()), host, static_cast<int>(getpid()), counter++);
  const std::string path = folder + "/" + name;
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw IoError("cannot write " + path + ": " + std::strerror(errno));
  append(tensorboard_version_record(now()));
}

TensorBoardFile::~TensorBoardFile() {
  close(fd_);
}

void TensorBoardFile::append(const std::string& record) {
  pending_ += record;
  while (!pending_.empty()) {
    const ssize_t done = write(fd_, pending_.data(), pending_.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // kept for the next record
    pending_.erase(0, static_cast<std::size_t>(done));
  }
}

void TensorBoardFile::add_scalars(std::int64_t step,
                                  const std::vector<std::pair<std::string, float>>& scalars) {
  append(tensorboard_scalars_record(now(), step, scalars));
}

void TensorBoardFile::add_image(std::int64_t step, const std::string& tag, int height, int width,
                                std::string_view png) {
  append(tensorboard_image_record(now(), step, tag, height, width, png));
}

void TensorBoardFile::add_restart(std::int64_t step) {
  append(tensorboard_restart_record(now(), step));
}

}  // namespace tinct
