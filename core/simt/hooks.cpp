// What g++ -fsanitize=thread calls before every load and store, and -fsanitize-coverage=trace-pc at
// the head of every basic block: ours, in place of their runtimes.
//
// Linked into every simulator build; kernels without hooks never call these.
#include <cstddef>
#include <cstdint>

#include "core/simt/checker.h"
#include "core/simt/flops.h"
#include "core/simt/worker.h"

namespace tinct::simt {
namespace {

inline void hook(const void* address, std::size_t bytes, Access access, const void* pc) {
  const Worker* worker = Worker::running();
  if (worker == nullptr || worker->checker() == nullptr) return;
  worker->checker()->access(reinterpret_cast<std::uintptr_t>(address), bytes, access, pc);
}

// A copy of any length, as the vector accesses it is made of.
inline void hook_range(const void* address, std::size_t bytes, Access access, const void* pc) {
  const Worker* worker = Worker::running();
  if (worker == nullptr || worker->checker() == nullptr) return;
  auto at = reinterpret_cast<std::uintptr_t>(address);
  while (bytes > 0) {
    std::size_t piece = 16;
    while (piece > bytes || at % piece != 0) piece /= 2;
    worker->checker()->access(at, piece, access, pc);
    at += piece;
    bytes -= piece;
  }
}

}  // namespace
}  // namespace tinct::simt

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the names are the
// compiler's.
#define TINCT_HOOK(name, bytes, access)                                                    \
  void name(void* p) {                                                                     \
    tinct::simt::hook(p, bytes, tinct::simt::Access::access, __builtin_return_address(0)); \
  }

extern "C" {

void __tsan_init() {
  tinct::simt::writes_tracked = true;
}

TINCT_HOOK(__tsan_read1, 1, read)
TINCT_HOOK(__tsan_read2, 2, read)
TINCT_HOOK(__tsan_read4, 4, read)
TINCT_HOOK(__tsan_read8, 8, read)
TINCT_HOOK(__tsan_read16, 16, read)
TINCT_HOOK(__tsan_write1, 1, write)
TINCT_HOOK(__tsan_write2, 2, write)
TINCT_HOOK(__tsan_write4, 4, write)
TINCT_HOOK(__tsan_write8, 8, write)
TINCT_HOOK(__tsan_write16, 16, write)
TINCT_HOOK(__tsan_unaligned_read2, 2, read)
TINCT_HOOK(__tsan_unaligned_read4, 4, read)
TINCT_HOOK(__tsan_unaligned_read8, 8, read)
TINCT_HOOK(__tsan_unaligned_read16, 16, read)
TINCT_HOOK(__tsan_unaligned_write2, 2, write)
TINCT_HOOK(__tsan_unaligned_write4, 4, write)
TINCT_HOOK(__tsan_unaligned_write8, 8, write)
TINCT_HOOK(__tsan_unaligned_write16, 16, write)

void __tsan_read_range(void* p, unsigned long bytes) {
  tinct::simt::hook_range(p, bytes, tinct::simt::Access::read, __builtin_return_address(0));
}
void __tsan_write_range(void* p, unsigned long bytes) {
  tinct::simt::hook_range(p, bytes, tinct::simt::Access::write, __builtin_return_address(0));
}

void __sanitizer_cov_trace_pc() {
  if (tinct::simt::passing != nullptr) tinct::simt::passing->add(__builtin_return_address(0));
}

// Of host code in the same files.
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
unsigned char __tsan_atomic8_load(const volatile unsigned char* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_add(volatile int* p, int v, int) {
  return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
