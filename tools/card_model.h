// How long a card needs at least for what a kernel does: a model from data sheets, not a
// measurement.
//
// Each resource has a time of its own, what it is asked for over what it can do; the kernel takes
// at least the longest of them. Caches are ideal: every input passes device memory once, every
// sector once for each block that reads it from the second cache. Left out: latency, the launch
// itself (a few microseconds), clocks below boost, everything that keeps a resource from its peak.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tinct {

struct Card {
  std::string name;   ///< "h200", as --card takes it
  std::string title;  ///< "NVIDIA H200 SXM"
  int multiprocessors = 0;
  double clock_ghz = 0;      ///< boost
  double fp32_tflops = 0;    ///< without tensor cores
  double tensor_tflops = 0;  ///< bf16, dense, f32 sums
  double dram_gbs = 0;
  double l2_gbs = 0;                          ///< 0 where no figure is published
  int warps = 0, blocks = 0, shared_kib = 0;  ///< that a multiprocessor holds at most
  std::string source;
};
const std::vector<Card>& cards();
/// Throws std::invalid_argument, with a suggestion, for a name that is not in cards().
const Card& find_card(const std::string& name);

/// What one kernel asks for, summed over its launches with one grid.
struct LaunchWork {
  std::uint64_t blocks = 1;      ///< of a launch
  unsigned threads = 32;         ///< of a block
  int registers = 0;             ///< of a thread; 0: unknown
  std::size_t shared_bytes = 0;  ///< of a block
  double sectors = 0;            ///< of 32 bytes, that its requests to device memory touch
  double requests = 0;           ///< of warps to device memory
  double block_sectors = 0;      ///< simt::LaunchCount::block_sectors
  double waves = 0;              ///< of shared memory
  double tensor_ops = 0;  ///< mma.sync: 4096 FLOPs in bf16, in tf32 half of them at half the rate
};

struct Work {
  double bytes = 0;       ///< that must pass device memory
  double fp32_flops = 0;  ///< outside tensor cores
  std::vector<LaunchWork> launches;
};

enum class Resource : std::uint8_t { dram, l2, l1, shared, fp32, tensor };
/// "device memory", "second cache", ...
const char* name_of(Resource resource);

struct Bound {
  struct Part {
    Resource resource{};
    double seconds = 0;
    std::string why;  ///< "1.2 MB at 4.8 TB/s"
  };
  std::vector<Part> parts;  ///< those that are asked for anything, longest first
  double seconds() const { return parts.empty() ? 0 : parts.front().seconds; }
};
Bound bound(const Card& card, const Work& work);

/// "75.5 MFLOP", "1.21 us": three digits and the prefix that suits them.
std::string with_prefix(double value, const char* unit);

/// How a launch fills the card.
struct Occupancy {
  int blocks = 0;          ///< that a multiprocessor holds at once
  int warps = 0;           ///< the same in warps
  double multiprocessors;  ///< the share of all that get a block
};
Occupancy occupancy(const Card& card, const LaunchWork& launch);

}  // namespace tinct
