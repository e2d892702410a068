// CUDA's device functions, as the simulator's face offers them: barriers, warp collectives, atomics
// and arithmetic. In the global namespace, as CUDA has them.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>

#include "core/simt/runtime.h"
#include "core/simt/vectors.h"

// The caller's place, for messages: the last parameters of every function that waits.
#define TINCT_SIMT_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline constexpr int warpSize = 32;

TINCT_SIMT void __syncthreads(TINCT_SIMT_SITE) {
  tinct::simt::barrier(0, {file, line});
}
TINCT_SIMT int __syncthreads_count(int predicate, TINCT_SIMT_SITE) {
  return tinct::simt::barrier(predicate, {file, line});
}
TINCT_SIMT int __syncthreads_or(int predicate, TINCT_SIMT_SITE) {
  return tinct::simt::barrier(predicate, {file, line}) != 0;
}
TINCT_SIMT int __syncthreads_and(int predicate, TINCT_SIMT_SITE) {
  return tinct::simt::barrier(!predicate, {file, line}) == 0;
}

namespace tinct::simt {

TINCT_SIMT unsigned lane() {
  const Here& h = here;
  return (h.thread.x + h.block_dim.x * (h.thread.y + h.block_dim.y * h.thread.z)) % 32;
}

template <class T>
TINCT_SIMT std::uint64_t to_word(T value) {
  static_assert(sizeof(T) <= 8, "a lane exchanges at most 8 bytes");
  std::uint64_t word = 0;
  __builtin_memcpy(&word, &value, sizeof value);
  return word;
}

template <class T>
TINCT_SIMT T from_word(std::uint64_t word) {
  T value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

template <class T>
TINCT_SIMT T shuffle(unsigned mask, T value, unsigned source, Site site) {
  Exchange e;
  e.value = to_word(value);
  e.argument = source;
  collective(Collective::shuffle, mask, e, site);
  return from_word<T>(e.value);
}

TINCT_SIMT unsigned reduce(Collective kind, unsigned mask, unsigned value, Site site) {
  Exchange e;
  e.value = value;
  collective(kind, mask, e, site);
  return static_cast<unsigned>(e.value);
}

}  // namespace tinct::simt

TINCT_SIMT void __syncwarp(unsigned mask = 0xFFFFFFFFu, TINCT_SIMT_SITE) {
  tinct::simt::Exchange e;
  tinct::simt::collective(tinct::simt::Collective::sync, mask, e, {file, line});
}

// A lane whose source falls outside its segment of `width` lanes keeps its own value.
template <class T>
TINCT_SIMT T __shfl_sync(unsigned mask, T value, int source, int width = 32, TINCT_SIMT_SITE) {
  const unsigned lane = tinct::simt::lane(), w = static_cast<unsigned>(width);
  return tinct::simt::shuffle(mask, value, lane / w * w + static_cast<unsigned>(source) % w,
                              {file, line});
}
template <class T>
TINCT_SIMT T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                            TINCT_SIMT_SITE) {
  const unsigned lane = tinct::simt::lane(), w = static_cast<unsigned>(width);
  return tinct::simt::shuffle(mask, value, lane % w >= delta ? lane - delta : lane, {file, line});
}
template <class T>
TINCT_SIMT T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                              TINCT_SIMT_SITE) {
  const unsigned lane = tinct::simt::lane(), w = static_cast<unsigned>(width);
  return tinct::simt::shuffle(mask, value, lane % w + delta < w ? lane + delta : lane,
                              {file, line});
}
template <class T>
TINCT_SIMT T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, TINCT_SIMT_SITE) {
  const unsigned lane = tinct::simt::lane(), w = static_cast<unsigned>(width);
  const unsigned source = lane ^ static_cast<unsigned>(bits);
  return tinct::simt::shuffle(mask, value, source / w <= lane / w ? source : lane, {file, line});
}

TINCT_SIMT unsigned __ballot_sync(unsigned mask, int predicate, TINCT_SIMT_SITE) {
  return tinct::simt::reduce(tinct::simt::Collective::ballot, mask, predicate != 0, {file, line});
}
TINCT_SIMT int __any_sync(unsigned mask, int predicate, TINCT_SIMT_SITE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}
TINCT_SIMT int __all_sync(unsigned mask, int predicate, TINCT_SIMT_SITE) {
  return __ballot_sync(mask, predicate, file, line) == mask;
}
template <class T>
TINCT_SIMT unsigned __match_any_sync(unsigned mask, T value, TINCT_SIMT_SITE) {
  tinct::simt::Exchange e;
  e.value = tinct::simt::to_word(value);
  tinct::simt::collective(tinct::simt::Collective::match, mask, e, {file, line});
  return static_cast<unsigned>(e.value);
}

#define TINCT_SIMT_REDUCE(name, T, kind)                                                    \
  TINCT_SIMT T name(unsigned mask, T value, TINCT_SIMT_SITE) {                              \
    return static_cast<T>(tinct::simt::reduce(tinct::simt::Collective::kind, mask,          \
                                              static_cast<unsigned>(value), {file, line})); \
  }
TINCT_SIMT_REDUCE(__reduce_add_sync, unsigned, reduce_add)
TINCT_SIMT_REDUCE(__reduce_add_sync, int, reduce_add)
TINCT_SIMT_REDUCE(__reduce_min_sync, unsigned, reduce_min)
TINCT_SIMT_REDUCE(__reduce_min_sync, int, reduce_min_signed)
TINCT_SIMT_REDUCE(__reduce_max_sync, unsigned, reduce_max)
TINCT_SIMT_REDUCE(__reduce_max_sync, int, reduce_max_signed)
TINCT_SIMT_REDUCE(__reduce_and_sync, unsigned, reduce_and)
TINCT_SIMT_REDUCE(__reduce_or_sync, unsigned, reduce_or)
TINCT_SIMT_REDUCE(__reduce_xor_sync, unsigned, reduce_xor)
#undef TINCT_SIMT_REDUCE

#define TINCT_SIMT_ATOMIC(name, op, T)                               \
  TINCT_SIMT T name(T* p, T value) {                                 \
    return tinct::simt::atomic(tinct::simt::AtomicOp::op, p, value); \
  }
#define TINCT_SIMT_ATOMICS(name, op)    \
  TINCT_SIMT_ATOMIC(name, op, int)      \
  TINCT_SIMT_ATOMIC(name, op, unsigned) \
  TINCT_SIMT_ATOMIC(name, op, unsigned long long)
TINCT_SIMT_ATOMICS(atomicAdd, add)
TINCT_SIMT_ATOMIC(atomicAdd, add, float)
TINCT_SIMT_ATOMIC(atomicAdd, add, double)
TINCT_SIMT_ATOMICS(atomicMin, min)
TINCT_SIMT_ATOMICS(atomicMax, max)
TINCT_SIMT_ATOMICS(atomicAnd, and_)
TINCT_SIMT_ATOMICS(atomicOr, or_)
TINCT_SIMT_ATOMICS(atomicXor, xor_)
TINCT_SIMT_ATOMICS(atomicExch, exchange)
TINCT_SIMT_ATOMIC(atomicExch, exchange, float)
#undef TINCT_SIMT_ATOMICS
#undef TINCT_SIMT_ATOMIC
template <class T>
TINCT_SIMT T atomicCAS(T* p, T expected, T value) {
  return tinct::simt::atomic(tinct::simt::AtomicOp::compare_exchange, p, value, expected);
}

// Memory is one and threads run one after another: nothing to order.
TINCT_SIMT void __threadfence() {}
TINCT_SIMT void __threadfence_block() {}
TINCT_SIMT void __trap(TINCT_SIMT_SITE) {
  tinct::simt::trap("__trap", {file, line});
}

TINCT_SIMT int min(int a, int b) {
  return b < a ? b : a;
}
TINCT_SIMT int max(int a, int b) {
  return a < b ? b : a;
}
TINCT_SIMT unsigned min(unsigned a, unsigned b) {
  return b < a ? b : a;
}
TINCT_SIMT unsigned max(unsigned a, unsigned b) {
  return a < b ? b : a;
}
TINCT_SIMT unsigned long min(unsigned long a, unsigned long b) {
  return b < a ? b : a;
}
TINCT_SIMT unsigned long max(unsigned long a, unsigned long b) {
  return a < b ? b : a;
}
TINCT_SIMT float min(float a, float b) {
  return fminf(a, b);
}
TINCT_SIMT float max(float a, float b) {
  return fmaxf(a, b);
}
TINCT_SIMT double min(double a, double b) {
  return fmin(a, b);
}
TINCT_SIMT double max(double a, double b) {
  return fmax(a, b);
}

// The fast versions are the accurate ones here: compare with the tolerance CUDA documents.
TINCT_SIMT float __expf(float v) {
  return expf(v);
}
TINCT_SIMT float __logf(float v) {
  return logf(v);
}
TINCT_SIMT float __powf(float a, float b) {
  return powf(a, b);
}
TINCT_SIMT float __fdividef(float a, float b) {
  return a / b;
}
TINCT_SIMT float rsqrtf(float v) {
  return 1 / sqrtf(v);
}
TINCT_SIMT float __fmul_rn(float a, float b) {
  return a * b;
}
TINCT_SIMT float __fadd_rn(float a, float b) {
  return a + b;
}
TINCT_SIMT float __fmaf_rn(float a, float b, float c) {
  return fmaf(a, b, c);
}
TINCT_SIMT float __saturatef(float v) {
  return v > 0 ? v < 1 ? v : 1 : 0;
}
TINCT_SIMT int __float2int_rn(float v) {
  return static_cast<int>(nearbyintf(v));
}

TINCT_SIMT unsigned __float_as_uint(float v) {
  return std::bit_cast<unsigned>(v);
}
TINCT_SIMT int __float_as_int(float v) {
  return std::bit_cast<int>(v);
}
TINCT_SIMT float __uint_as_float(unsigned v) {
  return std::bit_cast<float>(v);
}
TINCT_SIMT float __int_as_float(int v) {
  return std::bit_cast<float>(v);
}
TINCT_SIMT int __popc(unsigned v) {
  return __builtin_popcount(v);
}
TINCT_SIMT int __clz(int v) {
  return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v));
}
TINCT_SIMT int __ffs(int v) {
  return __builtin_ffs(v);
}
TINCT_SIMT unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}

// Loads and stores with cache hints are loads and stores.
template <class T>
TINCT_SIMT T __ldg(const T* p) {
  return *p;
}
template <class T>
TINCT_SIMT T __ldcs(const T* p) {
  return *p;
}
template <class T>
TINCT_SIMT void __stcs(T* p, T value) {
  *p = value;
}
