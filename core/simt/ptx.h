// What CUDA C++ has no words for: asm on a card, modelled collectives in the simulator.
//
// Fragments of mma.sync.m16n8k16, lane l, g = l / 4, t = l % 4 (PTX ISA; CuTe's mma_traits_sm80):
//   A (16x16), element i of 8: row g + 8 (i/2 % 2), column 2t + i%2 + 8 (i/4)
//   B (16x8),  element i of 4: row 2t + i%2 + 8 (i/2), column g
//   C (16x8),  element i of 4: row g + 8 (i/2), column 2t + i%2
// Two bf16 elements a register, the even one in the lower half.
//
// Of mma.sync.m16n8k8 with tf32, an element a register; C as above:
//   A (16x8), element i of 4: row g + 8 (i % 2), column t + 4 (i/2)
//   B (8x8),  element i of 2: row t + 4 i, column g
#pragma once

#include "core/simt/simt.h"

namespace tinct::gpu {

#if defined(__CUDACC__)
#define TINCT_DEVICE __device__ inline
#else
#define TINCT_DEVICE TINCT_SIMT
#endif

#if defined(__CUDA_ARCH__)
/// The address that PTX wants of a pointer into shared memory.
__device__ inline unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}
#endif

#if !defined(__CUDACC__)
TINCT_SIMT void multiply_tile(simt::Collective kind, float (&d)[4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[2]) {
  simt::Exchange e;
  for (int i = 0; i < 4; ++i) e.registers[i] = a[i];
  for (int i = 0; i < 2; ++i) e.registers[4 + i] = b[i];
  for (int i = 0; i < 4; ++i) e.registers[6 + i] = __float_as_uint(d[i]);
  simt::collective(kind, kFullMask, e, {});
  for (int i = 0; i < 4; ++i) d[i] = __uint_as_float(e.registers[6 + i]);
}
#endif

/// d += a b for one 16x8 tile, k = 16, bf16 in, float sums. Every lane of the warp calls it. sm_80.
TINCT_DEVICE void mma_16x8x16(float (&d)[4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__)
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif !defined(__CUDACC__)
  multiply_tile(simt::Collective::mma_bf16, d, a, b);
#endif
}

/// x with 10 bits behind the point, to the nearest, ties away from zero (cvt.rna.tf32): what
/// mma_16x8x8 takes. sm_80.
TINCT_DEVICE std::uint32_t to_tf32(float x) {
#if defined(__CUDA_ARCH__)
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
#elif !defined(__CUDACC__)
  const std::uint32_t bits = __float_as_uint(x);
  return (bits & 0x7F800000u) == 0x7F800000u ? bits : (bits + 0x1000u) & 0xFFFFE000u;
#else
  return 0;
#endif
}

/// d += a b for one 16x8 tile, k = 8, tf32 in, float sums. Every lane of the warp calls it. sm_80.
TINCT_DEVICE void mma_16x8x8(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__)
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif !defined(__CUDACC__)
  multiply_tile(simt::Collective::mma_tf32, d, a, b);
#endif
}

#if !defined(__CUDACC__)
template <int kCount>
TINCT_SIMT void load_matrix(std::uint32_t (&r)[kCount], const void* row, bool transposed) {
  simt::Exchange e;
  e.value = reinterpret_cast<std::uintptr_t>(row);
  e.argument = kCount + (transposed ? 8 : 0);
  simt::collective(simt::Collective::load_matrix, kFullMask, e, {});
  for (int i = 0; i < kCount; ++i) r[i] = e.registers[i];
}
#endif

/// ldmatrix: four 8x8 matrices of 16-bit elements from shared memory. Lane l gives the address of
/// row l % 8 of matrix l / 8, 16-byte aligned; register i gets of matrix i, row l / 4, elements
/// 2 (l % 4) and the next. Every lane calls it. sm_75.
TINCT_DEVICE void load_matrix_x4(std::uint32_t (&r)[4], const void* row) {
#if defined(__CUDA_ARCH__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#elif !defined(__CUDACC__)
  load_matrix(r, row, false);
#endif
}

/// Each matrix transposed on its way: register i gets rows 2 (l % 4) and the next of column l / 4.
TINCT_DEVICE void load_matrix_x4_transposed(std::uint32_t (&r)[4], const void* row) {
#if defined(__CUDA_ARCH__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#elif !defined(__CUDACC__)
  load_matrix(r, row, true);
#endif
}

/// The same, of two matrices; the addresses of lanes 16 to 31 do not count but must be valid.
TINCT_DEVICE void load_matrix_x2_transposed(std::uint32_t (&r)[2], const void* row) {
#if defined(__CUDA_ARCH__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#elif !defined(__CUDACC__)
  load_matrix(r, row, true);
#endif
}

/// cp.async: 16 bytes from global to shared memory, both 16-byte aligned, on their way until
/// async_wait. Only `bytes` are read, the rest becomes zero: 0 reads nothing, which is padding.
/// sm_80.
TINCT_DEVICE void async_copy_16(void* shared, const void* global, unsigned bytes = 16) {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
#elif !defined(__CUDACC__)
  simt::async_copy(shared, global, 16, bytes);
#endif
}

/// The same for 4 bytes, 4-byte aligned.
TINCT_DEVICE void async_copy_4(void* shared, const void* global, unsigned bytes = 4) {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
#elif !defined(__CUDACC__)
  simt::async_copy(shared, global, 4, bytes);
#endif
}

/// Closes the group of this thread's copies so far.
TINCT_DEVICE void async_commit() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif !defined(__CUDACC__)
  simt::async_commit();
#endif
}

/// Waits for this thread's groups but the latest `kPending`. Other threads see the data after the
/// __syncthreads that follows.
template <int kPending>
TINCT_DEVICE void async_wait() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#elif !defined(__CUDACC__)
  simt::async_wait(kPending);
#endif
}

#undef TINCT_DEVICE

}  // namespace tinct::gpu
