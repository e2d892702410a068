// An output made in pieces that fill no cache line, written in whole lines; compiled once for each
// instruction set: include after hwy/foreach_target.h.
#if defined(TINCT_KERNELS_STAGED_OUTPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_STAGED_OUTPUT_INL_H_
#undef TINCT_KERNELS_STAGED_OUTPUT_INL_H_
#else
#define TINCT_KERNELS_STAGED_OUTPUT_INL_H_
#endif

#include <cstdint>

#include "core/memory.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// Pieces are made in a buffer that stays in the first cache, so that each may be written in whole
// vectors, over the place of the next one, and that lines can be streamed although no piece is a
// whole number of them. Lines leave a little later than they are made: by then the buffer's stores
// are done, and the memory takes them while the next pieces are computed.
class StagedOutput {
 public:
  // Writes from `to` on, in pieces of up to `piece` floats; past the caches with `stream`.
  StagedOutput(float* to, std::size_t piece, bool stream)
      : to_(to),
        stream_(stream),
        begin_(reinterpret_cast<std::uintptr_t>(to) / sizeof(float) % kLine),
        end_(begin_),
        buffer_(kTurn + piece + 2 * kLine) {}

  // Where the next piece goes; up to a line beyond it may be overwritten.
  float* next() { return buffer_.data() + end_; }
  void add(std::size_t count) {
    end_ += count;
    if (end_ >= begin_ + kLag + kLine) write(end_ - kLag);
    if (end_ < kTurn) return;
    write(end_);
    std::memcpy(buffer_.data(), buffer_.data() + begin_, (end_ - begin_) * sizeof(float));
    end_ -= begin_;
    begin_ = 0;
  }
  // What is left; the output is then complete.
  void finish() {
    write(end_);
    copy(end_);
    if (stream_) hwy::FlushStream();
  }

 private:
  static constexpr std::size_t kLine = 16;  // floats
  static constexpr std::size_t kLag = 256;
  static constexpr std::size_t kTurn = 4096;

  // The buffer up to `end` by ordinary stores.
  void copy(std::size_t end) {
    std::memcpy(to_, buffer_.data() + begin_, (end - begin_) * sizeof(float));
    to_ += end - begin_;
    begin_ = end;
  }

  // The lines that are whole at `end`.
  void write(std::size_t end) {
    end = end / kLine * kLine;
    if (begin_ % kLine != 0 && end > begin_) copy(kLine);  // the output does not begin with a line
    if (end <= begin_) return;
    float* const to = to_;
    const float* const from = buffer_.data() + begin_;
    for_each_vector(end - begin_, stream_,
                    [=](std::size_t, auto load, auto store) HWY_ATTR { store(load(from), to); });
    to_ += end - begin_;
    begin_ = end;
  }

  float* to_;
  bool stream_;
  std::size_t begin_, end_;  // of the numbers in the buffer, which is as far from a line as `to`
  Workspace<float> buffer_;
};

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
