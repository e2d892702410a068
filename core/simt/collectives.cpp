// What warp collectives compute, all lanes at once, when the last lane has come.
#include <bit>
#include <cstring>

#include "core/simt/worker.h"

namespace tinct::simt {
namespace {

using Lanes = std::array<Exchange*, 32>;

float low_float(std::uint32_t pair) {
  return std::bit_cast<float>(pair << 16);
}
float high_float(std::uint32_t pair) {
  return std::bit_cast<float>(pair & 0xFFFF0000u);
}

template <class F>
void for_each_lane(unsigned mask, F&& f) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (mask >> lane & 1) f(lane);
  }
}

std::string shuffle(unsigned mask, const Lanes& lanes, unsigned& offender) {
  std::array<std::uint64_t, 32> values{};
  for_each_lane(mask, [&](unsigned lane) { values[lane] = lanes[lane]->value; });
  std::string wrong;
  for_each_lane(mask, [&](unsigned lane) {
    const unsigned source = lanes[lane]->argument;
    if (source >= 32 || (mask >> source & 1) == 0) {
      offender = lane;
      wrong = " shuffles from lane " + std::to_string(source) + ", which is not in the mask";
      return;
    }
    lanes[lane]->value = values[source];
  });
  return wrong;
}

void match(unsigned mask, const Lanes& lanes) {
  std::array<unsigned, 32> same{};
  for_each_lane(mask, [&](unsigned lane) {
    for_each_lane(mask, [&](unsigned other) {
      if (lanes[lane]->value == lanes[other]->value) same[lane] |= 1u << other;
    });
  });
  for_each_lane(mask, [&](unsigned lane) { lanes[lane]->value = same[lane]; });
}

unsigned combine(Collective kind, unsigned a, unsigned b) {
  const int sa = static_cast<int>(a), sb = static_cast<int>(b);
  switch (kind) {
    case Collective::reduce_add:
      return a + b;
    case Collective::reduce_min:
      return b < a ? b : a;
    case Collective::reduce_max:
      return a < b ? b : a;
    case Collective::reduce_min_signed:
      return sb < sa ? b : a;
    case Collective::reduce_max_signed:
      return sa < sb ? b : a;
    case Collective::reduce_and:
      return a & b;
    case Collective::reduce_or:
      return a | b;
    default:
      return a ^ b;
  }
}

void reduce(Collective kind, unsigned mask, const Lanes& lanes) {
  unsigned total = 0;
  bool first = true;
  for_each_lane(mask, [&](unsigned lane) {
    const auto value = static_cast<unsigned>(lanes[lane]->value);
    total = first ? value : combine(kind, total, value);
    first = false;
  });
  for_each_lane(mask, [&](unsigned lane) { lanes[lane]->value = total; });
}

void ballot(unsigned mask, const Lanes& lanes) {
  unsigned votes = 0;
  for_each_lane(mask, [&](unsigned lane) { votes |= (lanes[lane]->value != 0) << lane; });
  for_each_lane(mask, [&](unsigned lane) { lanes[lane]->value = votes; });
}

// The fragment map is that of core/simt/ptx.h. Products are exact in float; sums run over k
// upwards.
void mma(const Lanes& lanes) {
  float a[16][16], b[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    const std::uint32_t* r = lanes[lane]->registers;
    for (unsigned i = 0; i < 8; i += 2) {
      float* to = &a[g + 8 * (i / 2 % 2)][2 * t + 8 * (i / 4)];
      to[0] = low_float(r[i / 2]);
      to[1] = high_float(r[i / 2]);
    }
    for (unsigned i = 0; i < 4; i += 2) {
      b[2 * t + 8 * (i / 2)][g] = low_float(r[4 + i / 2]);
      b[2 * t + 8 * (i / 2) + 1][g] = high_float(r[4 + i / 2]);
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = g + 8 * (i / 2), column = 2 * t + i % 2;
      std::uint32_t& d = lanes[lane]->registers[6 + i];
      float sum = std::bit_cast<float>(d);
      for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
      d = std::bit_cast<std::uint32_t>(sum);
    }
  }
}

// The upper 19 bits of each operand count. Products are exact in float; sums run over k upwards.
void mma_tf32(const Lanes& lanes) {
  const auto number = [](std::uint32_t bits) { return std::bit_cast<float>(bits & 0xFFFFE000u); };
  float a[16][8], b[8][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    const std::uint32_t* r = lanes[lane]->registers;
    for (unsigned i = 0; i < 4; ++i) a[g + 8 * (i % 2)][t + 4 * (i / 2)] = number(r[i]);
    for (unsigned i = 0; i < 2; ++i) b[t + 4 * i][g] = number(r[4 + i]);
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      std::uint32_t& d = lanes[lane]->registers[6 + i];
      float sum = std::bit_cast<float>(d);
      for (unsigned k = 0; k < 8; ++k) sum += a[g + 8 * (i / 2)][k] * b[k][2 * t + i % 2];
      d = std::bit_cast<std::uint32_t>(sum);
    }
  }
}

std::string load_matrix(const Lanes& lanes, unsigned& offender) {
  const unsigned count = lanes[0]->argument % 8;
  const bool transposed = lanes[0]->argument >= 8;
  for (unsigned m = 0; m < count; ++m) {
    std::uint16_t element[8][8];
    for (unsigned row = 0; row < 8; ++row) {
      const std::uint64_t address = lanes[8 * m + row]->value;
      if (address % 16 != 0) {
        offender = 8 * m + row;
        return " gives ldmatrix a row that is not 16-byte aligned";
      }
      std::memcpy(element[row], reinterpret_cast<const void*>(address), 16);
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned g = lane / 4, t = 2 * (lane % 4);
      const std::uint32_t low = transposed ? element[t][g] : element[g][t];
      const std::uint32_t high = transposed ? element[t + 1][g] : element[g][t + 1];
      lanes[lane]->registers[m] = high << 16 | low;
    }
  }
  return "";
}

}  // namespace

std::string exchange(Collective kind, unsigned mask, const Lanes& lanes, unsigned& offender) {
  switch (kind) {
    case Collective::sync:
      break;
    case Collective::shuffle:
      return shuffle(mask, lanes, offender);
    case Collective::ballot:
      ballot(mask, lanes);
      break;
    case Collective::match:
      match(mask, lanes);
      break;
    case Collective::mma_bf16:
      mma(lanes);
      break;
    case Collective::mma_tf32:
      mma_tf32(lanes);
      break;
    case Collective::load_matrix:
      return load_matrix(lanes, offender);
    default:
      reduce(kind, mask, lanes);
  }
  return "";
}

const char* name(Collective kind) {
  switch (kind) {
    case Collective::sync:
      return "__syncwarp";
    case Collective::shuffle:
      return "__shfl_sync";
    case Collective::ballot:
      return "__ballot_sync";
    case Collective::match:
      return "__match_any_sync";
    case Collective::mma_bf16:
    case Collective::mma_tf32:
      return "mma.sync";
    case Collective::load_matrix:
      return "ldmatrix";
    default:
      return "__reduce_sync";
  }
}

}  // namespace tinct::simt
