// Requests, sectors and waves.
#include "core/simt/counts.h"

#include <algorithm>

namespace tinct::simt {
namespace {

constexpr std::uintptr_t kSectorBytes = 32;

// The addresses of the lanes in `mask`, each once, in ascending order; returns how many.
unsigned distinct(const WarpRequest& r, std::array<std::uintptr_t, 32>& to) {
  unsigned count = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (r.mask >> lane & 1) to[count++] = r.address[lane];
  }
  std::sort(to.begin(), to.begin() + count);
  return static_cast<unsigned>(std::unique(to.begin(), to.begin() + count) - to.begin());
}

}  // namespace

Sectors sectors(const WarpRequest& request, std::size_t bytes) {
  std::array<std::uintptr_t, 32> address;
  const unsigned count = distinct(request, address);
  Sectors s;
  s.ideal = static_cast<unsigned>((count * bytes + kSectorBytes - 1) / kSectorBytes);
  std::uintptr_t next = 0;  // the first sector not yet counted
  for (unsigned i = 0; i < count; ++i) {
    const std::uintptr_t first = std::max(next, address[i] / kSectorBytes);
    const std::uintptr_t end = (address[i] + bytes - 1) / kSectorBytes + 1;
    if (end > first) s.touched += static_cast<unsigned>(end - first);
    next = std::max(next, end);
  }
  return s;
}

Waves waves(const WarpRequest& request, std::size_t bytes) {
  const unsigned group = bytes <= 4 ? 32 : bytes <= 8 ? 16 : 8;
  Waves w;
  for (unsigned first = 0; first < 32; first += group) {
    std::array<std::uintptr_t, 128> words;
    unsigned count = 0;
    for (unsigned lane = first; lane < first + group; ++lane) {
      if ((request.mask >> lane & 1) == 0) continue;
      const std::uintptr_t begin = request.address[lane] / 4;
      const std::uintptr_t end = (request.address[lane] + bytes - 1) / 4;
      for (std::uintptr_t word = begin; word <= end && count < words.size(); ++word) {
        words[count++] = word;
      }
    }
    if (count == 0) continue;
    std::sort(words.begin(), words.begin() + count);
    const auto end = std::unique(words.begin(), words.begin() + count);
    std::array<unsigned, 32> bank{};
    unsigned most = 0;
    for (auto word = words.begin(); word != end; ++word) most = std::max(most, ++bank[*word % 32]);
    w.taken += most;
    ++w.ideal;
  }
  return w;
}

unsigned collisions(const WarpRequest& request) {
  std::array<std::uintptr_t, 32> address;
  return static_cast<unsigned>(__builtin_popcount(request.mask)) - distinct(request, address);
}

void Counts::begin_block(unsigned warps) {
  open_.resize(warps);
  if (read_.empty()) return;
  block_reads_ += read_.size();
  read_.clear();
  recent_.fill(0);
}

void Counts::add(unsigned thread, std::uintptr_t address, std::size_t bytes, Space space,
                 Access access, const void* pc) {
  const std::uint64_t key = reinterpret_cast<std::uintptr_t>(pc) << 9 |
                            static_cast<std::uint64_t>(space) << 8 |
                            static_cast<std::uint64_t>(access) << 6 | bytes;
  Open& open = open_[thread / 32][key];
  open.key = {pc, space, access};
  open.bytes = bytes;
  const unsigned lane = thread % 32;
  const std::uint32_t k = open.came[lane]++;
  if (k >= open.requests.size()) open.requests.resize(k + 1);
  WarpRequest& request = open.requests[k];
  request.address[lane] = address;
  request.mask |= 1u << lane;
}

void Counts::account(const Open& open, const WarpRequest& request) {
  LineCount& to = totals_[open.key];
  const auto lanes = static_cast<unsigned>(__builtin_popcount(request.mask));
  to.lanes += lanes;
  to.bytes += lanes * open.bytes;
  ++to.requests;
  if (open.key.space == Space::global) {
    const Sectors s = sectors(request, open.bytes);
    to.sectors += s.touched;
    to.ideal_sectors += s.ideal;
    if (open.key.access == Access::read) remember(request, open.bytes);
  } else {
    const Waves w = waves(request, open.bytes);
    to.waves += w.taken;
    to.ideal_waves += w.ideal;
  }
  if (open.key.access == Access::atomic) to.collisions += collisions(request);
}

void Counts::remember(const WarpRequest& request, std::size_t bytes) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((request.mask >> lane & 1) == 0) continue;
    for (std::uintptr_t sector = request.address[lane] / kSectorBytes;
         sector <= (request.address[lane] + bytes - 1) / kSectorBytes; ++sector) {
      std::uintptr_t& recent = recent_[sector % recent_.size()];
      if (recent != sector) read_.insert(sector);
      recent = sector;
    }
  }
}

void Counts::close(unsigned warp) {
  for (auto& [key, open] : open_[warp]) {
    for (const WarpRequest& request : open.requests) account(open, request);
    open.requests.clear();
    open.came = {};
  }
}

void Counts::close_all() {
  for (unsigned warp = 0; warp < open_.size(); ++warp) close(warp);
}

}  // namespace tinct::simt
