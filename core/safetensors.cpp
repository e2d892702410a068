// Reading and writing safetensors files.
#include "core/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "core/half.h"
#include "core/safetensors_header.h"

namespace tinct {
namespace {

static_assert(std::endian::native == std::endian::little, "the file format is little-endian");

constexpr std::uint64_t kLargestHeader = 100'000'000;

void read_exactly(int fd, const std::string& path, void* out, std::uint64_t bytes,
                  std::uint64_t offset) {
  char* p = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t got = pread(fd, p, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(path + ": " + std::strerror(errno));
    if (got == 0) {
      throw WeightsError(path + ": offset " + std::to_string(offset) + ": the file ends too early");
    }
    p += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
}

template <class From, class Convert>
void convert(const std::vector<char>& raw, Tensor& out, Convert&& one) {
  float* p = out.f32();
  for (std::size_t i = 0; i < out.size(); ++i) {
    From v;
    std::memcpy(&v, raw.data() + i * sizeof v, sizeof v);
    p[i] = one(v);
  }
}

Shape shape_of(const TensorEntry& e, const std::string& path) {
  if (e.extents.size() > 4) {
    throw WeightsError(path + ": tensor \"" + e.name + "\" has " +
                       std::to_string(e.extents.size()) + " extents; four are the most");
  }
  std::size_t extents[4] = {1, 1, 1, 1};
  std::copy(e.extents.begin(), e.extents.end(), extents + 4 - e.extents.size());
  return {extents[0], extents[1], extents[2], extents[3]};
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) throw IoError(path + ": " + std::strerror(errno));
  try {
    struct stat info;
    if (fstat(fd_, &info) != 0) throw IoError(path + ": " + std::strerror(errno));
    if (!S_ISREG(info.st_mode)) throw IoError(path + ": not a regular file");
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size < 8) {
      throw WeightsError(path + ": offset 0: " + std::to_string(size) +
                         " bytes are too few for a safetensors file");
    }
    std::uint64_t header_size = 0;
    read_exactly(fd_, path, &header_size, 8, 0);
    if (header_size > kLargestHeader || header_size > size - 8) {
      throw WeightsError(path + ": offset 0: a header of " + std::to_string(header_size) +
                         " bytes does not fit: not a safetensors file, or truncated");
    }
    std::string json(header_size, '\0');
    read_exactly(fd_, path, json.data(), header_size, 8);
    data_begin_ = 8 + header_size;
    try {
      SafetensorsHeader header = parse_safetensors_header(json, size - data_begin_);
      metadata_ = std::move(header.metadata);
      entries_ = std::move(header.entries);
    } catch (const WeightsError& e) {
      throw WeightsError(path + ": " + e.what());
    }
  } catch (...) {
    close(fd_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() {
  if (fd_ >= 0) close(fd_);
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      data_begin_(other.data_begin_),
      metadata_(std::move(other.metadata_)),
      entries_(std::move(other.entries_)) {}

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const TensorEntry& e) { return e.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Tensor SafetensorsFile::load(const std::string& name) const {
  const TensorEntry* e = find(name);
  if (!e) throw WeightsError(path_ + ": there is no tensor \"" + name + "\"");
  const bool bytes = e->dtype == "U8" || e->dtype == "BOOL";
  Tensor out(shape_of(*e, path_), bytes ? DType::u8 : DType::f32);
  const std::uint64_t size = e->end - e->begin;
  const std::uint64_t offset = data_begin_ + e->begin;
  if (bytes || e->dtype == "F32") {
    void* target = bytes ? static_cast<void*>(out.u8()) : static_cast<void*>(out.f32());
    read_exactly(fd_, path_, target, size, offset);
    return out;
  }
  std::vector<char> raw(size);
  read_exactly(fd_, path_, raw.data(), size, offset);
  const auto narrow = [](auto v) { return static_cast<float>(v); };
  if (e->dtype == "F16") convert<std::uint16_t>(raw, out, half_to_float);
  if (e->dtype == "BF16") convert<std::uint16_t>(raw, out, bfloat16_to_float);
  if (e->dtype == "F64") convert<double>(raw, out, narrow);
  if (e->dtype == "I64") convert<std::int64_t>(raw, out, narrow);
  if (e->dtype == "I32") convert<std::int32_t>(raw, out, narrow);
  return out;
}

NamedTensors SafetensorsFile::load_all() const {
  NamedTensors all;
  for (const TensorEntry& e : entries_) all.emplace_back(e.name, load(e.name));
  return all;
}

namespace {

std::string comma_separated(const Tensor& tensor, const std::vector<std::size_t>* given) {
  const Shape& s = tensor.shape();
  const std::vector<std::size_t> own = {s.n, s.h, s.w, s.c};
  const std::vector<std::size_t>& extents = given != nullptr ? *given : own;
  std::size_t size = 1;
  std::string text;
  for (const std::size_t extent : extents) {
    size *= extent;
    text += (text.empty() ? "" : ",") + std::to_string(extent);
  }
  if (size != s.size()) {
    throw std::invalid_argument("write_safetensors: (" + text + ") for " + to_string(s));
  }
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const Metadata& metadata,
                       const std::map<std::string, std::vector<std::size_t>>& extents) {
  std::vector<const std::pair<std::string, Tensor>*> sorted;
  for (const auto& named : tensors) sorted.push_back(&named);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(-static_cast<int>(size_of(a->second.dtype())), a->first) <
           std::pair(-static_cast<int>(size_of(b->second.dtype())), b->first);
  });
  std::string json = "{";
  if (!metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      json += (json.back() == '{' ? "" : ",") + json_quote(key) + ":" + json_quote(value);
    }
    json += "}";
  }
  std::uint64_t at = 0;
  for (const auto* named : sorted) {
    const auto& [name, tensor] = *named;
    const auto given = extents.find(name);
    json += (json.size() == 1 ? "" : ",") + json_quote(name) + ":{\"dtype\":\"" +
            (tensor.dtype() == DType::f32 ? "F32" : "U8") + "\",\"shape\":[" +
            comma_separated(tensor, given == extents.end() ? nullptr : &given->second) +
            "],\"data_offsets\":[" + std::to_string(at) + "," +
            std::to_string(at + tensor.bytes()) + "]}";
    at += tensor.bytes();
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  const std::uint64_t header_size = json.size();
  file.write(&header_size, sizeof header_size);
  file.write(json.data(), json.size());
  for (const auto* named : sorted) {
    const Tensor& t = named->second;
    const void* data = t.dtype() == DType::f32 ? static_cast<const void*>(t.f32()) : t.u8();
    file.write(data, t.bytes());
  }
  file.commit();
}

}  // namespace tinct
