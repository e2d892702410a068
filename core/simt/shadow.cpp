// Two accesses race when different threads make them, one writes, not both are atomic, and nothing
// orders them: after the rules of section "Memory consistency model" of the PTX manual, cut down to
// barriers and warp collectives.
#include "core/simt/shadow.h"

#include <algorithm>

#include "core/error.h"

namespace tinct::simt {

void Ordering::begin_block(unsigned threads) {
  ++block_;
  epoch_ = 1;
  clocks_.assign(threads, {});
}

void Ordering::collective(unsigned warp, unsigned mask) {
  std::array<std::uint32_t, 32> joined{};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    auto& clock = clocks_[warp * 32 + lane];
    ++clock[lane];
    for (unsigned i = 0; i < 32; ++i) joined[i] = std::max(joined[i], clock[i]);
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (mask >> lane & 1) clocks_[warp * 32 + lane] = joined;
  }
}

Mark Ordering::mark(unsigned thread, Access access, const void* pc) const {
  return {pc,
          block_,
          epoch_,
          clocks_[thread][thread % 32],
          static_cast<std::uint16_t>(thread),
          access == Access::atomic};
}

bool Ordering::ordered(const Mark& before, const Mark& now, Space space) const {
  if (before.block < first_block_) return true;
  if (before.block != now.block) return space == Space::shared;
  if (before.thread == now.thread || before.epoch != now.epoch) return true;
  return before.thread / 32 == now.thread / 32 &&
         clocks_[now.thread][before.thread % 32] > before.clock;
}

Shadow::Shadow(std::uintptr_t begin, std::size_t bytes)
    : begin_(begin / 4 * 4), words_((begin + bytes - begin_ + 3) / 4), split_(1), written_(words_) {
  cells_.reset(static_cast<Cell*>(std::calloc(std::max<std::size_t>(words_, 1), sizeof(Cell))));
  if (!cells_) throw OutOfMemory("no memory to check a kernel's accesses with");
}

Cell* Shadow::cell(std::size_t word, unsigned byte, bool whole) {
  Cell& c = cells_[word];
  if (c.split == 0) {
    if (whole) return &c;
    const Cell copy = c;
    c.split = static_cast<std::uint32_t>(split_.size());
    split_.push_back({copy, copy, copy, copy});
  }
  return &split_[c.split][byte];
}

Shadow::Conflict Shadow::access(std::uintptr_t address, std::size_t bytes, Access access,
                                const Mark& now, Space space, const Ordering& ordering) {
  Conflict conflict;
  const auto clash = [&](const Mark& before, bool wrote) {
    if (conflict.race || before.block == 0 || (before.atomic && now.atomic)) return;
    if (ordering.ordered(before, now, space)) return;
    conflict.race = true;
    conflict.other = before;
    conflict.other_wrote = wrote;
  };
  const auto visit = [&](Cell& c) {
    const bool fresh = c.reads[0].block == now.block && c.reads[0].epoch == now.epoch;
    if (access != Access::write && space == Space::shared && c.write.block != now.block) {
      conflict.unwritten = true;
    }
    clash(c.write, true);
    if (access == Access::read) {
      if (c.reads[0].thread != now.thread || c.reads[0].block != now.block) {
        const bool keep = c.reads[1].block != now.block && c.reads[0].block == now.block;
        if (!keep || c.reads[1].block == 0) c.reads[1] = c.reads[0];
      }
      c.reads[0] = now;
      c.warps = (fresh ? c.warps : 0) | 1u << now.thread / 32;
      return;
    }
    clash(c.reads[0], false);
    clash(c.reads[1], false);
    if (fresh && (c.warps & ~(1u << now.thread / 32)) != 0) {
      Mark reader = c.reads[0];
      reader.thread =
          static_cast<std::uint16_t>(32 * __builtin_ctz(c.warps & ~(1u << now.thread / 32)));
      clash(reader, false);
    }
    c.write = now;
    c.reads = {};
    c.warps = 0;
  };
  const std::uintptr_t end = address + bytes;
  for (std::uintptr_t at = address; at < end;) {
    const std::size_t word = (at - begin_) / 4;
    const std::uintptr_t next = begin_ + 4 * (word + 1);
    if (word >= words_) break;
    if ((at - begin_) % 4 == 0 && next <= end && cells_[word].split == 0) {
      visit(cells_[word]);
    } else {
      for (; at < next && at < end; ++at) visit(*cell(word, (at - begin_) % 4, false));
    }
    at = next;
  }
  return conflict;
}

void Shadow::set_written(std::uintptr_t address, std::size_t bytes) {
  if (all_written_) return;
  for (std::uintptr_t at = address; at < address + bytes;) {
    const std::size_t word = (at - begin_) / 4;
    if ((at - begin_) % 4 == 0 && at + 4 <= address + bytes) {
      written_[word] = 15;
      at += 4;
    } else {
      written_[word] |= static_cast<std::uint8_t>(1u << (at - begin_) % 4);
      ++at;
    }
  }
}

bool Shadow::written(std::uintptr_t address, std::size_t bytes) const {
  if (all_written_) return true;
  for (std::uintptr_t at = address; at < address + bytes; ++at) {
    if ((written_[(at - begin_) / 4] >> (at - begin_) % 4 & 1) == 0) return false;
  }
  return true;
}

}  // namespace tinct::simt
