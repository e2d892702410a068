// Reading and writing safetensors files.
#include "core/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
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
  if (e->dtype == "I8") convert<std::int8_t>(raw, out, narrow);
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

// One tensor as it will stand in the file.
struct Stored {
  std::string name, dtype, extents;
  const Tensor* tensor;
  std::vector<char> converted;  // empty: the tensor's own bytes

  std::size_t bytes() const { return converted.empty() ? tensor->bytes() : converted.size(); }
  const void* data() const {
    if (!converted.empty()) return converted.data();
    return tensor->dtype() == DType::f32 ? static_cast<const void*>(tensor->f32()) : tensor->u8();
  }
};

// `one` gives what is stored for a number, or nothing where there is no such.
template <class To, class Convert>
void narrow(Stored& stored, Convert&& one) {
  const float* values = stored.tensor->f32();
  stored.converted.resize(stored.tensor->size() * sizeof(To));
  for (std::size_t i = 0; i < stored.tensor->size(); ++i) {
    const std::optional<To> v = one(values[i]);
    if (!v) {
      throw std::invalid_argument("write_safetensors: " + std::to_string(values[i]) + " in \"" +
                                  stored.name + "\" is no number of " + stored.dtype);
    }
    std::memcpy(stored.converted.data() + i * sizeof(To), &*v, sizeof(To));
  }
}

void convert_to(Stored& stored, const std::string& dtype) {
  stored.dtype = dtype;
  if (dtype == "F16") {
    narrow<std::uint16_t>(stored, [](float v) -> std::optional<std::uint16_t> {
      const std::uint16_t half = float_to_half(v);
      if (std::isfinite(v) && !std::isfinite(half_to_float(half))) return std::nullopt;
      return half;
    });
  } else if (dtype == "I8") {
    narrow<std::int8_t>(stored, [](float v) -> std::optional<std::int8_t> {
      if (!(v >= -128 && v <= 127 && v == std::floor(v))) return std::nullopt;
      return static_cast<std::int8_t>(v);
    });
  } else {
    throw std::invalid_argument("write_safetensors: dtype " + dtype + " is not written");
  }
}

}  // namespace

void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const Metadata& metadata,
                       const std::map<std::string, std::vector<std::size_t>>& extents,
                       const std::map<std::string, std::string>& dtypes) {
  std::vector<Stored> sorted;
  for (const auto& [name, tensor] : tensors) {
    const auto given = extents.find(name);
    const std::string text =
        comma_separated(tensor, given == extents.end() ? nullptr : &given->second);
    sorted.push_back({name, tensor.dtype() == DType::f32 ? "F32" : "U8", text, &tensor, {}});
    const auto dtype = dtypes.find(name);
    if (dtype != dtypes.end()) convert_to(sorted.back(), dtype->second);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Stored& a, const Stored& b) {
    const std::size_t size_a = safetensors_element_size(a.dtype);
    const std::size_t size_b = safetensors_element_size(b.dtype);
    return size_a != size_b ? size_a > size_b : a.name < b.name;
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
  for (const Stored& stored : sorted) {
    json += (json.size() == 1 ? "" : ",") + json_quote(stored.name) + ":{\"dtype\":\"" +
            stored.dtype + "\",\"shape\":[" + stored.extents + "],\"data_offsets\":[" +
            std::to_string(at) + "," + std::to_string(at + stored.bytes()) + "]}";
    at += stored.bytes();
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  const std::uint64_t header_size = json.size();
  file.write(&header_size, sizeof header_size);
  file.write(json.data(), json.size());
  for (const Stored& stored : sorted) file.write(stored.data(), stored.bytes());
  file.commit();
}

}  // namespace tinct
