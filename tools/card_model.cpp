// Cards by their data sheets, and the times that they need at least.
#include "tools/card_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/text.h"

namespace tinct {
namespace {

constexpr double kSectorBytes = 32;
// A multiprocessor moves 128 bytes a clock between its lanes and the first cache, four sectors of
// one request, and as many between its lanes and shared memory: a wave.
constexpr double kSectorsAClock = 4;
constexpr double kFlopsOfMma = 4096;  ///< bf16; a tf32 one has half of them, at half the rate
constexpr int kRegisters = 65536;     ///< of a multiprocessor, all three cards

// f32 and tensor rates are the data sheets'; they equal multiprocessors x lanes x 2 x clock.
const std::vector<Card> kCards = {
    {"h200", "NVIDIA H200 SXM", 132, 1.98, 67, 989, 4800, 5500, 64, 32, 228,
     "NVIDIA H200 data sheet; second cache as measured on an H100 (Chips and Cheese, 2023)"},
    {"a100", "NVIDIA A100 SXM 80 GB", 108, 1.41, 19.5, 312, 2039, 7219, 64, 32, 164,
     "NVIDIA A100 data sheet; second cache 5120 bytes a clock (NVIDIA A100 white paper, 2020)"},
    {"rtx4090", "NVIDIA GeForce RTX 4090", 128, 2.52, 82.6, 165.2, 1008, 0, 48, 24, 100,
     "NVIDIA Ada white paper, 2022; no figure is published for the second cache"},
};

std::string percent(double share) {
  return printed("%.3g", 100 * share) + " %";
}

// The share of a launch's work that the busiest multiprocessor gets.
double busiest(const Card& card, const LaunchWork& launch) {
  const double blocks = static_cast<double>(launch.blocks);
  return std::ceil(blocks / card.multiprocessors) / blocks;
}

// The share of the whole launch sequence, by how much its launches ask of memory.
double busiest(const Card& card, const Work& work) {
  double share = 1, most = -1;
  for (const LaunchWork& launch : work.launches) {
    const double asked = launch.requests + launch.waves;
    if (asked > most) {
      most = asked;
      share = busiest(card, launch);
    }
  }
  return work.launches.empty() ? 1.0 / card.multiprocessors : share;
}

}  // namespace

const std::vector<Card>& cards() {
  return kCards;
}

const Card& find_card(const std::string& name) {
  std::vector<std::string> names;
  for (const Card& card : kCards) {
    if (card.name == name) return card;
    names.push_back(card.name);
  }
  throw std::invalid_argument("unknown card '" + name + "'" + did_you_mean(name, names) +
                              "; there are " + join(names));
}

const char* name_of(Resource resource) {
  switch (resource) {
    case Resource::dram:
      return "device memory";
    case Resource::l2:
      return "second cache";
    case Resource::l1:
      return "first cache";
    case Resource::shared:
      return "shared memory";
    case Resource::fp32:
      return "f32 arithmetic";
    case Resource::tensor:
      return "tensor cores";
  }
  return "";
}

Bound bound(const Card& card, const Work& work) {
  Bound b;
  const auto add = [&](Resource resource, double seconds, std::string why) {
    if (seconds > 0) b.parts.push_back({resource, seconds, std::move(why)});
  };
  const double clock = card.clock_ghz * 1e9;
  double l2_bytes = 0, l1_clocks = 0, waves = 0, tensor_ops = 0, busiest_ops = 0;
  for (const LaunchWork& launch : work.launches) {
    const double share = busiest(card, launch);
    l2_bytes += launch.block_sectors * kSectorBytes;
    l1_clocks += std::max(launch.requests, launch.sectors / kSectorsAClock) * share;
    waves += launch.waves * share;
    tensor_ops += launch.tensor_ops;
    busiest_ops += launch.tensor_ops * share;
  }
  const auto at_rate = [](double bytes, double gbs) {
    return with_prefix(bytes, "B") + " at " + with_prefix(gbs * 1e9, "B/s");
  };
  const auto at_clock = [&](double clocks, const char* what) {
    return printed(clocks < 100 ? "%.3g" : "%.0f", clocks) + what +
           " on the busiest multiprocessor, " + printed("%.3g", card.clock_ghz) + " GHz";
  };
  add(Resource::dram, work.bytes / (card.dram_gbs * 1e9), at_rate(work.bytes, card.dram_gbs));
  if (card.l2_gbs > 0) {
    add(Resource::l2, l2_bytes / (card.l2_gbs * 1e9), at_rate(l2_bytes, card.l2_gbs));
  }
  add(Resource::l1, l1_clocks / clock, at_clock(l1_clocks, " clocks"));
  add(Resource::shared, waves / clock, at_clock(waves, " waves"));
  const double peak = card.fp32_tflops * 1e12, share = busiest(card, work);
  add(Resource::fp32, work.fp32_flops * share * card.multiprocessors / peak,
      with_prefix(work.fp32_flops, "FLOP") + ", " + percent(share) +
          " on the busiest multiprocessor; the card " + with_prefix(peak, "FLOP/s"));
  add(Resource::tensor,
      busiest_ops * kFlopsOfMma * card.multiprocessors / (card.tensor_tflops * 1e12),
      printed("%.0f", tensor_ops) + " mma.sync, " + percent(busiest_ops / tensor_ops) +
          " on the busiest multiprocessor; the card " +
          with_prefix(card.tensor_tflops * 1e12, "FLOP/s"));
  std::stable_sort(b.parts.begin(), b.parts.end(), [](const Bound::Part& x, const Bound::Part& y) {
    return x.seconds > y.seconds;
  });
  return b;
}

std::string with_prefix(double value, const char* unit) {
  constexpr const char* kPrefixes[] = {"n", "u", "m", "", "k", "M", "G", "T"};
  int prefix = 3;
  for (; prefix < 7 && value >= 999.5; ++prefix) value /= 1000;
  for (; prefix > 0 && value > 0 && value < 0.9995; --prefix) value *= 1000;
  return printed("%.3g ", value) + kPrefixes[prefix] + unit;
}

Occupancy occupancy(const Card& card, const LaunchWork& launch) {
  const int warps = static_cast<int>((launch.threads + 31) / 32);
  int blocks = std::min(card.blocks, card.warps / warps);
  if (launch.registers > 0) {
    // Registers are given out to warps 256 at a time, eight a lane.
    const int of_warp = (launch.registers + 7) / 8 * 8 * 32;
    blocks = std::min(blocks, kRegisters / of_warp / warps);
  }
  // The driver keeps 1 KiB of a block's shared memory.
  const std::size_t shared = launch.shared_bytes + 1024;
  blocks =
      std::min(blocks, static_cast<int>(static_cast<std::size_t>(card.shared_kib) * 1024 / shared));
  const double reached = std::min<double>(static_cast<double>(launch.blocks), card.multiprocessors);
  return {blocks, blocks * warps, reached / card.multiprocessors};
}

}  // namespace tinct
