// Reading a data set: the index checked whole at the start, pictures by pread.
#include "train/dataset.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_set>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "train/dataset_format.h"

namespace tinct {
namespace {

using nlohmann::json;
namespace format = dataset_format;

[[noreturn]] void damaged(const std::string& file, const std::string& reason) {
  throw DataError(file + ": " + reason + "; the data set is damaged, prepare it again");
}

// nlohmann's messages carry a prefix that says nothing to a user.
std::string plain(const json::exception& error) {
  const std::string what = error.what();
  const std::size_t prefix = what.find("] ");
  return prefix == std::string::npos ? what : what.substr(prefix + 2);
}

struct Header {
  std::size_t pictures = 0;
  std::uint64_t checksum = 0;
  std::vector<std::uint64_t> shards;
};

Header parse_header(const std::string& file, std::string_view line) {
  Header header;
  try {
    const json object = json::parse(line);
    if (object.at("format") != format::name) damaged(file, "not a tinct data set");
    const auto version = object.at("version").get<std::uint64_t>();
    if (version != format::version) {
      throw DataError(file + ": a data set of version " + std::to_string(version) +
                      ", this program reads version " + std::to_string(format::version) +
                      "; prepare it again");
    }
    header.pictures = object.at("pictures").get<std::size_t>();
    header.shards = object.at("shards").get<std::vector<std::uint64_t>>();
    header.checksum = format::from_hex(object.at("checksum").get<std::string>());
  } catch (const json::exception& error) {
    damaged(file, "header: " + plain(error));
  } catch (const std::invalid_argument& error) {
    damaged(file, std::string("header: ") + error.what());
  }
  return header;
}

Picture parse_picture(std::string_view line) {
  const json object = json::parse(line);
  Picture p;
  p.name = object.at("name").get<std::string>();
  p.source = object.at("source").get<std::string>();
  const auto split = object.at("split").get<std::string>();
  if (split != "train" && split != "val") throw std::invalid_argument("split \"" + split + '"');
  p.split = split == "train" ? Split::train : Split::val;
  p.width = object.at("width").get<std::size_t>();
  p.height = object.at("height").get<std::size_t>();
  p.chroma = object.at("chroma").get<double>();
  p.content_hash = format::from_hex(object.at("content_hash").get<std::string>());
  p.shard = object.at("shard").get<std::size_t>();
  p.offset = object.at("offset").get<std::uint64_t>();
  p.checksum = format::from_hex(object.at("checksum").get<std::string>());
  return p;
}

void check_place(const Picture& p, const std::vector<std::uint64_t>& shards) {
  if (p.width < 1 || p.height < 1 || p.width > format::most_side || p.height > format::most_side) {
    throw std::invalid_argument("size " + std::to_string(p.width) + "x" + std::to_string(p.height));
  }
  if (p.shard >= shards.size()) {
    throw std::invalid_argument("shard " + std::to_string(p.shard) + " of " +
                                std::to_string(shards.size()));
  }
  const std::uint64_t size = shards[p.shard];
  if (p.bytes() > size || p.offset > size - p.bytes()) {
    throw std::invalid_argument("bytes beyond the end of shard " + std::to_string(p.shard));
  }
}

}  // namespace

const char* to_string(Split split) {
  return split == Split::train ? "train" : "val";
}

Dataset::Dataset(const std::string& path) : path_(path) {
  const std::string file = path + "/" + format::index_file;
  if (!std::filesystem::is_directory(path)) {
    throw IoError(path + ": no such folder; a data set is made by tinct prepare");
  }
  if (!std::filesystem::exists(file)) {
    throw DataError(path + ": not a data set (no " + format::index_file +
                    " in it); one is made by tinct prepare");
  }
  const std::string index = read_file(file);
  fingerprint_ = hash64(index.data(), index.size());
  const std::string_view text = index;
  const std::size_t header_end = text.find('\n');
  if (header_end == std::string_view::npos) damaged(file, "truncated in the header");
  const Header header = parse_header(file, text.substr(0, header_end));
  const std::string_view body = text.substr(header_end + 1);
  if (hash64(body.data(), body.size()) != header.checksum) {
    damaged(file, "truncated or altered: its checksum does not match");
  }

  std::unordered_set<std::string> names;
  for (std::size_t begin = 0; begin < body.size();) {
    const std::size_t end = std::min(body.find('\n', begin), body.size());
    const std::string where = "picture " + std::to_string(pictures_.size());
    try {
      pictures_.push_back(parse_picture(body.substr(begin, end - begin)));
      check_place(pictures_.back(), header.shards);
    } catch (const json::exception& error) {
      damaged(file, where + ": " + plain(error));
    } catch (const std::invalid_argument& error) {
      damaged(file, where + ": " + error.what());
    }
    const Picture& p = pictures_.back();
    if (!names.insert(p.name).second) damaged(file, where + ": a second \"" + p.name + '"');
    (p.split == Split::train ? train_ : val_).push_back(pictures_.size() - 1);
    begin = end + 1;
  }
  if (pictures_.size() != header.pictures) {
    damaged(file, std::to_string(pictures_.size()) + " pictures instead of " +
                      std::to_string(header.pictures));
  }
  verified_ = std::make_unique<std::atomic<unsigned char>[]>(pictures_.size());
  try {
    open_shards(header.shards);
  } catch (...) {
    close_shards();
    throw;
  }
}

Dataset::~Dataset() {
  close_shards();
}

void Dataset::open_shards(const std::vector<std::uint64_t>& sizes) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string file = path_ + "/" + format::shard_file(i);
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) damaged(file, "missing");
    if (fd < 0) throw IoError(file + ": " + std::strerror(errno));
    shards_.push_back(fd);
    struct stat info;
    if (fstat(fd, &info) != 0) throw IoError(file + ": " + std::strerror(errno));
    if (!S_ISREG(info.st_mode)) damaged(file, "not a regular file");
    if (static_cast<std::uint64_t>(info.st_size) != sizes[i]) {
      damaged(file, std::to_string(info.st_size) + " bytes instead of " + std::to_string(sizes[i]));
    }
  }
}

void Dataset::close_shards() {
  for (const int fd : shards_) close(fd);
  shards_.clear();
}

Tensor Dataset::read(std::size_t i) const {
  const Picture& p = pictures_.at(i);
  const auto file = [&] { return path_ + "/" + format::shard_file(p.shard); };
  Tensor rgb({1, p.height, p.width, 3}, DType::u8);
  std::size_t done = 0;
  while (done < rgb.bytes()) {
    const ssize_t got = pread(shards_[p.shard], rgb.u8() + done, rgb.bytes() - done,
                              static_cast<off_t>(p.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(file() + ": " + std::strerror(errno));
    if (got == 0) damaged(file(), "ends within picture \"" + p.name + '"');
    done += static_cast<std::size_t>(got);
  }
  if (verified_[i].load(std::memory_order_relaxed) == 0) {
    if (hash64(rgb.u8(), rgb.bytes()) != p.checksum) {
      damaged(file(), "the bytes of picture \"" + p.name + "\" do not match their checksum");
    }
    verified_[i].store(1, std::memory_order_relaxed);
  }
  return rgb;
}

}  // namespace tinct
