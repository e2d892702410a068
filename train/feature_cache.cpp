// The file of frozen layers' answers.
#include "train/feature_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/half.h"
#include "core/hash.h"
#include "core/threads.h"
#include "layers/cast.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

struct Header {
  char magic[16];
  std::uint64_t fingerprint, record_bytes, samples;
};
constexpr char kMagic[16] = "tinct frozen 1\n";
constexpr std::size_t kPage = 4096;
constexpr float kLargest = 65504;  // of binary16

std::size_t rounded_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

std::uint64_t table_end(std::size_t samples) {
  return rounded_up(kPage + samples * 2 * sizeof(std::uint64_t), kPage);
}

std::size_t half_count(const std::vector<Value>& maps) {
  std::size_t count = 0;
  for (const Value& map : maps) count += map.defined() ? map.data().size() : 0;
  return count;
}

std::size_t bytes_of_record(std::size_t halves) {
  return rounded_up(halves * sizeof(std::uint16_t), 64);
}

// Grey noise: the layers show in the answer to it what they are.
Tensor probe_input(std::size_t crop) {
  Tensor x({1, crop, crop, 1});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto mixed = static_cast<std::uint32_t>(i * 2654435761u) >> 8;
    x.f32()[i] = static_cast<float>(mixed) * 0x1p-23f - 1;
  }
  return x;
}

void narrow(const float* x, std::size_t n, std::uint16_t* halves) {
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) {
      throw NumericError("the frozen layers answer numbers that are not finite");
    }
    halves[i] = float_to_half(std::clamp(x[i], -kLargest, kLargest));
  }
}

std::string reason() {
  return std::strerror(errno);
}

}  // namespace

void check_cache_room(const std::string& path, std::uint64_t bytes) {
  std::error_code error;
  const std::uint64_t there = fs::file_size(path, error);
  if (!error && there >= bytes) return;
  fs::path folder = fs::absolute(path).parent_path();
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  struct statvfs info;
  if (statvfs(folder.c_str(), &info) != 0) return;
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free >= bytes) return;
  throw IoError(path + ": " + std::to_string((bytes >> 20) + 1) +
                " MiB needed to keep what the frozen layers answer, " + std::to_string(free >> 20) +
                " MiB free; fewer data.fixed_crops need less, --cache names another folder");
}

std::uint64_t cache_bytes(const Model& model, std::size_t crop, std::size_t samples) {
  if (!model.frozen) return 0;
  const NoGrad no_grad;
  const std::size_t halves =
      half_count(model.frozen(Value(probe_input(crop).to(device_of(model)))));
  return table_end(samples) + std::uint64_t{samples} * bytes_of_record(halves);
}

FeatureCache::FeatureCache(std::string path, const Model& model, std::size_t crop,
                           std::size_t samples)
    : path_(std::move(path)), samples_(samples) {
  if (model.frozen) {
    frozen_ = [frozen = model.frozen, device = device_of(model)](const Value& x) {
      return frozen(Value(x.data().to(device)));
    };
  }
  if (!frozen_ || samples == 0) {
    throw std::invalid_argument(
        "FeatureCache: " + (frozen_ ? "no samples" : model.info.preset + " has no frozen layers"));
  }
  probe(crop);
  try {
    if (!open_existing()) create();
    map();
  } catch (...) {
    close();
    throw;
  }
}

FeatureCache::~FeatureCache() {
  close();
}

void FeatureCache::close() {
  if (file_ != nullptr) munmap(file_, file_bytes());
  if (fd_ >= 0) ::close(fd_);
  file_ = nullptr, fd_ = -1;
}

void FeatureCache::probe(std::size_t crop) {
  const NoGrad no_grad;
  const Tensor x = probe_input(crop);
  input_ = x.shape();
  const std::vector<Value> maps = frozen_(Value(x));
  halves_ = half_count(maps);
  record_bytes_ = bytes_of_record(halves_);
  fingerprint_ = crop;
  for (const Value& map : maps) {
    shapes_.push_back(map.defined() ? map.shape() : Shape{0, 0, 0, 0});
    if (!map.defined()) continue;
    const Tensor numbers = cast(map.data(), DType::f32).to(Device::cpu);
    fingerprint_ = hash64(numbers.f32(), numbers.bytes(), fingerprint_);
  }
}

std::uint64_t FeatureCache::file_bytes() const {
  return table_end(samples_) + std::uint64_t{samples_} * record_bytes_;
}

bool FeatureCache::open_existing() {
  fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0 && errno == ENOENT) return false;
  if (fd_ < 0) throw IoError(path_ + ": " + reason());
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) throw IoError(path_ + ": another process uses it");
  Header header{};
  struct stat info;
  const bool read =
      fstat(fd_, &info) == 0 && pread(fd_, &header, sizeof header, 0) == sizeof header;
  if (read && std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 &&
      header.fingerprint == fingerprint_ && header.record_bytes == record_bytes_ &&
      header.samples == samples_ && static_cast<std::uint64_t>(info.st_size) == file_bytes()) {
    return true;
  }
  close();
  return false;
}

// The room is taken before anything is written: a disk that fills up under a mapped file is a
// signal, not an error.
void FeatureCache::create() {
  std::error_code ignored;
  fs::remove(path_, ignored);
  check_cache_room(path_, file_bytes());
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) throw IoError("cannot write " + path_ + ": " + reason());
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) throw IoError(path_ + ": another process uses it");
  const int failed = posix_fallocate(fd_, 0, static_cast<off_t>(file_bytes()));
  Header header{{}, fingerprint_, record_bytes_, samples_};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  if (failed != 0 || pwrite(fd_, &header, sizeof header, 0) != sizeof header) {
    fs::remove(path_, ignored);
    throw IoError("cannot write " + path_ + ": " + std::strerror(failed != 0 ? failed : errno));
  }
}

void FeatureCache::map() {
  void* const mapped = mmap(nullptr, file_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (mapped == MAP_FAILED) throw IoError(path_ + ": cannot map it: " + reason());
  file_ = static_cast<std::byte*>(mapped);
  table_ = reinterpret_cast<Entry*>(file_ + kPage);
  verified_.resize(samples_);
  next_ = samples_;
  for (std::size_t slot = samples_; slot-- > 0;) {
    if (table_[slot].key == 0) {
      next_ = slot;
    } else {
      slots_[table_[slot].key] = slot;
    }
  }
}

const std::uint16_t* FeatureCache::whole_record(std::uint64_t key) {
  const auto found = slots_.find(key);
  if (found == slots_.end()) return nullptr;
  const std::size_t slot = found->second;
  const std::byte* record = file_ + table_end(samples_) + slot * record_bytes_;
  if (!verified_[slot]) {
    if (hash64(record, record_bytes_) != table_[slot].checksum) return nullptr;
    verified_[slot] = true;
  }
  return reinterpret_cast<const std::uint16_t*>(record);
}

void FeatureCache::store(std::uint64_t key, const std::uint16_t* record) {
  const auto found = slots_.find(key);
  std::size_t slot = found != slots_.end() ? found->second : next_ % samples_;
  if (found == slots_.end()) {
    slots_.erase(table_[slot].key);
    next_ = slot + 1;
  }
  // The key comes last: a process that dies meanwhile leaves no record that looks whole.
  table_[slot] = {0, 0};
  std::byte* const to = file_ + table_end(samples_) + slot * record_bytes_;
  std::memcpy(to, record, record_bytes_);
  table_[slot].checksum = hash64(to, record_bytes_);
  table_[slot].key = key;
  slots_[key] = slot;
  verified_[slot] = true;
}

// Scaling a half's bits as if they were a float's by 2^112 is exact for every finite half, and a
// loop that vectorises.
void FeatureCache::widen(const std::uint16_t* record, std::size_t sample,
                         std::vector<Tensor>& out) const {
  for (std::size_t m = 0; m < shapes_.size(); ++m) {
    if (!out[m].defined()) continue;
    const std::size_t size = shapes_[m].size();
    float* const to = out[m].f32() + sample * size;
    parallel_for(size, [=](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint32_t half = record[i];
        const std::uint32_t sign = (half & 0x8000u) << 16;
        to[i] = std::bit_cast<float>(sign | (half & 0x7FFFu) << 13) * 0x1p112f;
      }
    });
    record += size;
  }
}

void FeatureCache::compute(const Tensor& input, const std::vector<std::size_t>& which,
                           const std::vector<std::uint64_t>& keys, std::vector<Tensor>& out) {
  const std::size_t pixels = input_.size();
  Tensor some({which.size(), input_.h, input_.w, 1});
  for (std::size_t k = 0; k < which.size(); ++k) {
    std::copy_n(input.f32() + which[k] * pixels, pixels, some.f32() + k * pixels);
  }
  std::vector<Tensor> answers;
  for (const Value& map : frozen_(Value(some))) {
    answers.push_back(map.defined() ? cast(map.data(), DType::f32).to(Device::cpu) : Tensor());
  }
  std::vector<std::uint16_t> record(record_bytes_ / sizeof(std::uint16_t));
  for (std::size_t k = 0; k < which.size(); ++k) {
    std::uint16_t* to = record.data();
    for (std::size_t m = 0; m < shapes_.size(); ++m) {
      if (!answers[m].defined()) continue;
      const std::size_t size = shapes_[m].size();
      narrow(answers[m].f32() + k * size, size, to);
      to += size;
    }
    store(keys[which[k]], record.data());
    widen(record.data(), which[k], out);
  }
  computed_ += which.size();
}

std::vector<Value> FeatureCache::operator()(const Value& x) {
  const Device device = x.data().device();
  const Tensor input = x.data().to(Device::cpu);
  const Shape s = input.shape();
  if (Shape{1, s.h, s.w, s.c} != input_) {
    throw std::invalid_argument("FeatureCache: input " + to_string(s) + ", made for " +
                                to_string(input_));
  }
  std::vector<Tensor> out;
  for (const Shape& map : shapes_) {
    out.push_back(map.size() == 0 ? Tensor() : Tensor({s.n, map.h, map.w, map.c}));
  }
  std::vector<std::uint64_t> keys(s.n);
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < s.n; ++i) {
    const std::size_t bytes = input_.size() * sizeof(float);
    keys[i] = std::max<std::uint64_t>(1, hash64(input.f32() + i * input_.size(), bytes));
    if (const std::uint16_t* record = whole_record(keys[i])) {
      widen(record, i, out);
    } else {
      missing.push_back(i);
    }
  }
  if (!missing.empty()) compute(input, missing, keys, out);
  std::vector<Value> values;
  for (const Tensor& map : out) values.push_back(map.defined() ? Value(map.to(device)) : Value());
  return values;
}

}  // namespace tinct
