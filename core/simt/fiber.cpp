// Context switches: the callee-saved registers on the stack and a new stack pointer, 12 ns where
// swapcontext, which also saves the signal mask with a system call, takes 200.
#include "core/simt/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "core/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#if !defined(TINCT_SIMT_UCONTEXT)
// void tinct_simt_switch(void** save, void* to)
extern "C" void tinct_simt_switch(void** save, void* to);
#if defined(__x86_64__)
asm(R"(
.text
.globl tinct_simt_switch
.hidden tinct_simt_switch
.type tinct_simt_switch, @function
tinct_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size tinct_simt_switch, .-tinct_simt_switch
)");
#else
asm(R"(
.text
.globl tinct_simt_switch
.hidden tinct_simt_switch
.type tinct_simt_switch, %function
tinct_simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size tinct_simt_switch, .-tinct_simt_switch
)");
#endif
#endif

namespace tinct::simt {
namespace {

thread_local Fiber* starting = nullptr;

std::size_t page_bytes() {
  static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

Fiber::Fiber(void (*entry)()) : entry_(entry) {
  const std::size_t guard = page_bytes();
  void* mapping = mmap(nullptr, guard + kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    throw OutOfMemory("no memory for a simulated thread's stack of " + std::to_string(kStackBytes) +
                      " bytes");
  }
  mapping_ = static_cast<std::byte*>(mapping);
  mprotect(mapping_, guard, PROT_NONE);
  stack_ = mapping_ + guard;
#if defined(TINCT_SIMT_UCONTEXT)
  getcontext(&self_);
  self_.uc_stack.ss_sp = stack_;
  self_.uc_stack.ss_size = kStackBytes;
  self_.uc_link = nullptr;
  makecontext(&self_, &Fiber::start, 0);
#else
  auto** top = reinterpret_cast<void**>(stack_ + kStackBytes);
#if defined(__x86_64__)
  // As after a call of start(): six registers, the address that `ret` takes, a null return address.
  top[-1] = nullptr;
  top[-2] = reinterpret_cast<void*>(&Fiber::start);
  self_ = top - 8;
#else
  top[-9] = reinterpret_cast<void*>(&Fiber::start);  // x30 of the 160 bytes
  self_ = top - 20;
#endif
#endif
}

Fiber::~Fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStackBytes);  // a fiber left half-way has redzones there
#endif
  munmap(mapping_, page_bytes() + kStackBytes);
}

void Fiber::resume() {
  starting = this;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&caller_fake_stack_, stack_, kStackBytes);
#endif
#if defined(TINCT_SIMT_UCONTEXT)
  swapcontext(&caller_, &self_);
#else
  tinct_simt_switch(&caller_, self_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(caller_fake_stack_, nullptr, nullptr);
#endif
}

void Fiber::suspend() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack_, caller_bottom_, caller_bytes_);
#endif
#if defined(TINCT_SIMT_UCONTEXT)
  swapcontext(&self_, &caller_);
#else
  tinct_simt_switch(&self_, caller_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &caller_bottom_, &caller_bytes_);
#endif
}

void Fiber::start() {
  Fiber* self = starting;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &self->caller_bottom_, &self->caller_bytes_);
#endif
  self->entry_();
}

}  // namespace tinct::simt
