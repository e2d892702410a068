// Shadow memory: for every byte a kernel touches, who wrote and who read it, to find races and
// reads of what was never written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/simt/simulator.h"

namespace tinct::simt {

/// One access, as later ones need to know it.
struct Mark {
  const void* pc = nullptr;
  std::uint32_t block = 0;  ///< the how-manieth block ever run, from 1
  std::uint32_t epoch = 0;  ///< barriers the block had passed
  std::uint32_t clock = 0;  ///< collectives its lane had passed
  std::uint16_t thread = 0;
  bool atomic = false;
};

/// Happens-before within a block: barriers order all its threads, collectives the lanes that came
/// (vector clocks over the 32 lanes of each warp).
class Ordering {
 public:
  void begin_launch() { first_block_ = block_ + 1; }
  void begin_block(unsigned threads);
  void barrier() { ++epoch_; }
  void collective(unsigned warp, unsigned mask);

  Mark mark(unsigned thread, Access access, const void* pc) const;
  /// Whether `before`, an access recorded earlier, happened before `now` for sure; also if it is of
  /// an earlier launch, or, of shared memory, of another block.
  bool ordered(const Mark& before, const Mark& now, Space space) const;
  std::uint32_t block() const { return block_; }

 private:
  std::uint32_t first_block_ = 1, block_ = 0, epoch_ = 0;
  std::vector<std::array<std::uint32_t, 32>> clocks_;  ///< [thread][lane of its warp]
};

/// What is remembered of a word, or of one byte of a word used in parts.
struct Cell {
  Mark write;
  std::array<Mark, 2> reads;  ///< the last, and one by another thread, of another block if there is
  std::uint32_t warps = 0;    ///< that read in reads[0]'s block and epoch
  std::uint32_t split = 0;    ///< where the bytes' own cells are; 0: the word is one
};

/// An array of words in some address range.
class Shadow {
 public:
  Shadow(std::uintptr_t begin, std::size_t bytes);

  struct Conflict {
    bool race = false;
    bool unwritten = false;  ///< some byte was not written by this block (shared memory)
    Mark other;
    bool other_wrote = false;
  };
  /// Records an access and says what is wrong with it.
  Conflict access(std::uintptr_t address, std::size_t bytes, Access access, const Mark& now,
                  Space space, const Ordering& ordering);

  // Which bytes of global memory hold something.
  void set_written(std::uintptr_t address, std::size_t bytes);
  bool written(std::uintptr_t address, std::size_t bytes) const;
  void set_all_written() { all_written_ = true; }

 private:
  Cell* cell(std::size_t word, unsigned byte, bool whole);

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::uintptr_t begin_;  ///< a multiple of 4
  std::size_t words_;
  std::unique_ptr<Cell[], Free> cells_;  ///< zero pages until touched
  std::vector<std::array<Cell, 4>> split_;
  std::vector<std::uint8_t> written_;  ///< a bit a byte of a word
  bool all_written_ = false;
};

}  // namespace tinct::simt
