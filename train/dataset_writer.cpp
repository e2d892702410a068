// Writing a data set: shards and index in a temporary folder, then one rename.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/text.h"
#include "train/dataset.h"
#include "train/dataset_format.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;
namespace format = dataset_format;

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string index_line(const Picture& p) {
  nlohmann::ordered_json object;
  object["name"] = p.name;
  object["source"] = p.source;
  object["split"] = to_string(p.split);
  object["width"] = p.width;
  object["height"] = p.height;
  object["chroma"] = p.chroma;
  object["content_hash"] = hex(p.content_hash);
  object["shard"] = p.shard;
  object["offset"] = p.offset;
  object["checksum"] = hex(p.checksum);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

DatasetWriter::DatasetWriter(std::string path, bool overwrite, std::uint64_t shard_bytes)
    : path_(without_slash(std::move(path))), overwrite_(overwrite), shard_bytes_(shard_bytes) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(path_, error)) && !fs::is_empty(path_, error)) {
    if (!fs::exists(path_ + "/" + format::index_file)) {
      throw IoError(path_ + ": exists and is not a data set; choose another name");
    }
    if (!overwrite_) throw IoError(path_ + ": a data set is there already");
  }
  const fs::path parent = fs::path(path_).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  static std::atomic<unsigned> counter{0};
  const std::string name =
      path_ + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  if (!fs::create_directory(name, error)) {
    throw IoError("cannot write " + path_ + ": " +
                  (error ? error.message() : name + " is in the way"));
  }
  temporary_ = name;
}

DatasetWriter::~DatasetWriter() {
  if (shard_ >= 0) close(shard_);
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void DatasetWriter::fail(const std::string& what) const {
  throw IoError("cannot write " + path_ + ": " + what + ": " + std::strerror(errno));
}

void DatasetWriter::write(const void* data, std::size_t bytes) {
  const char* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(shard_, p, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write");
    p += done;
    bytes -= static_cast<std::size_t>(done);
  }
}

void DatasetWriter::close_shard() {
  if (shard_ < 0) return;
  if (fsync(shard_) != 0) fail("sync");
  const int closed = close(shard_);
  shard_ = -1;
  if (closed != 0) fail("close");
}

void DatasetWriter::add(const Picture& picture, const Tensor& rgb) {
  const Shape& s = rgb.shape();
  if (!rgb.defined() || rgb.dtype() != DType::u8 || s.n != 1 || s.c != 3 ||
      s.h > format::most_side || s.w > format::most_side || s.size() == 0) {
    throw std::invalid_argument("DatasetWriter::add: " + to_string(s) + " is not u8 (1,h,w,3)");
  }
  if (shard_ >= 0 && shard_sizes_.back() + rgb.bytes() > shard_bytes_) close_shard();
  if (shard_ < 0) {
    const std::string file = temporary_ + "/" + format::shard_file(shard_sizes_.size());
    shard_ = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (shard_ < 0) fail("create");
    shard_sizes_.push_back(0);
  }
  std::uint64_t& size = shard_sizes_.back();
  Picture p = picture;
  p.width = s.w;
  p.height = s.h;
  p.shard = shard_sizes_.size() - 1;
  p.offset = size;
  p.checksum = hash64(rgb.u8(), rgb.bytes());
  static constexpr char zeros[format::alignment] = {};
  const std::size_t padding =
      (format::alignment - rgb.bytes() % format::alignment) % format::alignment;
  write(rgb.u8(), rgb.bytes());
  write(zeros, padding);
  size += rgb.bytes() + padding;
  pictures_.push_back(std::move(p));
}

void DatasetWriter::add_file(const std::string& name, std::string_view bytes) {
  write_file_atomically(temporary_ + "/" + name, bytes);
}

void DatasetWriter::commit() {
  close_shard();
  std::string body;
  for (const Picture& p : pictures_) body += index_line(p);
  nlohmann::ordered_json header;
  header["format"] = format::name;
  header["version"] = format::version;
  header["pictures"] = pictures_.size();
  header["shards"] = shard_sizes_;
  header["checksum"] = hex(hash64(body.data(), body.size()));
  add_file(format::index_file, header.dump() + "\n" + body);
  sync_folder(temporary_);

  const bool exchange = fs::exists(path_ + "/" + format::index_file);
  if (exchange && !overwrite_) {
    errno = EEXIST;
    fail("rename");
  }
  std::string old;
  if (exchange &&
      renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
    old = temporary_;
  } else {
    // A file system that cannot exchange two names: the old one is put aside first.
    if (exchange) {
      old = temporary_ + "-old";
      if (rename(path_.c_str(), old.c_str()) != 0) fail("rename");
    }
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      const int error = errno;
      if (exchange) rename(old.c_str(), path_.c_str());
      errno = error;
      fail("rename");
    }
  }
  std::error_code ignored;
  if (exchange) fs::remove_all(old, ignored);
  temporary_.clear();
  const std::string parent = fs::path(path_).parent_path().string();
  sync_folder(parent.empty() ? "." : parent);
}

}  // namespace tinct
