// Device memory and streams, the same calls for CUDA, for the simulator and for builds without
// either. No CUDA type shows.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "core/block_cache.h"

namespace tinct::device {

/// What runs the functions of tinct::gpu in this build.
enum class Backend { none, cuda, simulator };
Backend backend();

/// A queue of work on the device; null stands for the default queue. The simulator does everything
/// at once, in order.
struct Stream;

struct Info {
  std::string name;  ///< "NVIDIA H200", "SIMT simulator"
  int multiprocessors = 0;
  int capability = 0;  ///< 90 for sm_90
  std::size_t total_bytes = 0;
  std::size_t free_bytes = 0;
};

/// All functions below throw DeviceError when there is no device, or CUDA reports an error.
Info info();
/// Throws DeviceError, one line with what to do, when there is no device that the kernels of this
/// build run on.
void check_usable();

/// At least `bytes` bytes, 256-byte aligned; the simulator fills them with NaN. Null for 0 bytes.
/// On a card released blocks are kept for reuse, in the default stream's order. Throws OutOfMemory.
void* allocate(std::size_t bytes);
/// Null is fine.
void release(void* memory) noexcept;
MemoryUse memory_use();
void reset_memory_peak();
/// Gives every block kept for reuse back to the card.
void release_cached_memory();

/// Host memory from which copy_to_device_later() copies in the background.
std::shared_ptr<std::byte> pinned(std::size_t bytes);

/// Copies that are done when the call returns.
void copy_to_device(void* to, const void* from, std::size_t bytes);
void copy_to_host(void* to, const void* from, std::size_t bytes);
/// These three are done in the stream's order.
void copy_on_device(void* to, const void* from, std::size_t bytes, Stream* stream = nullptr);
void copy_to_device_later(void* to, const void* from, std::size_t bytes, Stream* stream);
void set_zero(void* to, std::size_t bytes, Stream* stream = nullptr);

/// In the simulator, how much memory the card has, so that tests can run out of it; before the
/// first call what the environment variable TINCT_SIMT_MEMORY says, in MiB, or plenty. Nothing
/// elsewhere.
void set_memory(std::size_t bytes);
/// In the simulator, whether host code that touches device memory ends the program, as on a card.
/// Nothing elsewhere.
void guard(bool on);

Stream* make_stream();
void destroy(Stream* stream) noexcept;
/// A moment in a stream's work.
class Event {
 public:
  /// Timed ones cost the stream a little.
  explicit Event(bool timed = false);
  ~Event();  // NOLINT(performance-trivially-destructible): in CUDA builds it is not
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// The moment when what the stream has been given so far is done.
  void record(Stream* stream = nullptr);
  /// Returns when it has come; at once when none was recorded.
  void wait();
  /// By the card's clock, between two timed events that have come; 0 in the simulator, whose time
  /// says nothing of a card's.
  double milliseconds_since(const Event& earlier) const;

 private:
  void* event_ = nullptr;
};

/// Waits for the stream, or for the whole device.
void synchronize(Stream* stream);
void synchronize();

/// `count` elements that live on the device.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(std::size_t count)
      : data_(static_cast<T*>(allocate(count * sizeof(T)))), size_(count) {}
  Array(const T* host, std::size_t count) : Array(count) {
    copy_to_device(data_, host, count * sizeof(T));
  }
  ~Array() { release(data_); }
  Array(Array&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  void to_host(T* host) const { copy_to_host(host, data_, size_ * sizeof(T)); }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tinct::device
