// Files that are never half there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tinct {

/// The whole file. Throws IoError, also when it is larger than `limit` bytes or not a regular file.
std::string read_file(const std::string& path, std::uint64_t limit = std::uint64_t{1} << 32);

/// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder. On
/// failure the temporary file is removed and `path` is as it was. Throws IoError naming the file
/// and the reason.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// The same in pieces, for what is too large to hold twice.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();  ///< removes the temporary file unless commit() was called
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, std::size_t bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* what);
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

/// fsync on a folder. Throws IoError.
void sync_folder(const std::string& path);

}  // namespace tinct
