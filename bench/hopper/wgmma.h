// Hopper's matrix instruction of a warpgroup, wgmma m64nNk16, bf16 in and f32 accumulators: PTX
// behind functions. Device code of sm_90a alone; elsewhere the functions do nothing.
#pragma once

#include <cstdint>

namespace tinct::hopper {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define TINCT_WGMMA 1
#endif

constexpr int kM = 64, kK = 16;
/// A row of an operand in shared memory: 64 bf16 along K, in the 128-byte swizzle.
constexpr int kRowBytes = 128;

/// Describes an operand whose rows are kRowBytes apart and whose groups of eight rows are
/// `group_bytes` apart; `base` is the phase of the swizzle at the first row, where that is not the
/// address's own.
__device__ inline std::uint64_t descriptor(std::uint32_t address, std::uint32_t group_bytes,
                                           std::uint32_t base = 0) {
  constexpr std::uint64_t kSwizzle128 = 1, kUnused = 1;
  return (address & 0x3ffff) >> 4 | kUnused << 16 | std::uint64_t{group_bytes >> 4} << 32 |
         std::uint64_t{base & 7} << 49 | kSwizzle128 << 62;
}

__device__ inline std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

/// What is written to shared memory is seen by the wgmmas after it.
__device__ inline void publish_shared() {
#ifdef TINCT_WGMMA
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
__device__ inline void wgmma_begin() {
#ifdef TINCT_WGMMA
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
__device__ inline void wgmma_commit() {
#ifdef TINCT_WGMMA
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
/// After the wait: the accumulators are what the instructions have left, not what was there before.
template <int kCount>
__device__ void wgmma_settle(float* d) {
#ifdef TINCT_WGMMA
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
#endif
}
/// Waits until all but the newest `kPending` groups are done.
template <int kPending>
__device__ void wgmma_wait() {
#ifdef TINCT_WGMMA
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

// Operands of the instruction by their numbers: ten from 10 t, and accumulators from d[i].
#define TEN(t)                                                                                     \
  "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t \
  "9, "
#define FOUR_D(i) "+f"(d[i]), "+f"(d[(i) + 1]), "+f"(d[(i) + 2]), "+f"(d[(i) + 3])
#define SIXTEEN_D(i) FOUR_D(i), FOUR_D((i) + 4), FOUR_D((i) + 8), FOUR_D((i) + 12)
#define SIXTY_FOUR_D(i) SIXTEEN_D(i), SIXTEEN_D((i) + 16), SIXTEEN_D((i) + 32), SIXTEEN_D((i) + 48)

/// d += a b^T: a (64,16) and b (N,16), both in shared memory; d has N/2 numbers a thread.
template <int N>
__device__ void wgmma_ss(float* d, std::uint64_t a, std::uint64_t b) {
#ifdef TINCT_WGMMA
  static_assert(N == 64 || N == 128 || N == 256);
  if constexpr (N == 64) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TEN() TEN(1)
                     TEN(2) "%30, %31}, %32, %33, 1, 1, 1, 0, 0;"
                 : SIXTEEN_D(0), SIXTEEN_D(16)
                 : "l"(a), "l"(b));
  } else if constexpr (N == 128) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" TEN() TEN(1) TEN(2)
                     TEN(3) TEN(4) TEN(5) "%60, %61, %62, %63}, %64, %65, 1, 1, 1, 0, 0;"
                 : SIXTY_FOUR_D(0)
                 : "l"(a), "l"(b));
  } else {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" TEN() TEN(1) TEN(2) TEN(3) TEN(4)
            TEN(5) TEN(6) TEN(7) TEN(8) TEN(9) TEN(10) TEN(
                11) "%120, %121, %122, %123, %124, %125, %126, %127}, %128, %129, 1, 1, 1, 0, 0;"
        : SIXTY_FOUR_D(0), SIXTY_FOUR_D(64)
        : "l"(a), "l"(b));
  }
#endif
}

/// The same with a's fragment in registers.
template <int N>
__device__ void wgmma_rs(float* d, const std::uint32_t* a, std::uint64_t b) {
#ifdef TINCT_WGMMA
  static_assert(N == 64 || N == 128 || N == 256);
  if constexpr (N == 64) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TEN() TEN(1)
                     TEN(2) "%30, %31}, {%32, %33, %34, %35}, %36, 1, 1, 1, 0;"
                 : SIXTEEN_D(0), SIXTEEN_D(16)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  } else if constexpr (N == 128) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" TEN() TEN(1) TEN(2)
                     TEN(3) TEN(4)
                         TEN(5) "%60, %61, %62, %63}, {%64, %65, %66, %67}, %68, 1, 1, 1, 0;"
                 : SIXTY_FOUR_D(0)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  } else {
    asm volatile("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" TEN() TEN(1) TEN(2)
                 TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9) TEN(10) TEN(11)
                 "%120, %121, %122, %123, %124, %125, %126, %127}, "
                 "{%128, %129, %130, %131}, %132, 1, 1, 1, 0;"
                 : SIXTY_FOUR_D(0), SIXTY_FOUR_D(64)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  }
#endif
}

#undef SIXTY_FOUR_D
#undef SIXTEEN_D
#undef FOUR_D
#undef TEN

}  // namespace tinct::hopper
