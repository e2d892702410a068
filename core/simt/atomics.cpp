// Atomics: real ones, because blocks run on several cores at once in the unchecked build.
#include <atomic>
#include <type_traits>

#include "core/simt/checker.h"
#include "core/simt/runtime.h"

namespace tinct::simt {
namespace {

template <class T>
T updated(AtomicOp op, T old, T value, T compare) {
  switch (op) {
    case AtomicOp::add:
      return old + value;
    case AtomicOp::min:
      return value < old ? value : old;
    case AtomicOp::max:
      return old < value ? value : old;
    case AtomicOp::exchange:
      return value;
    case AtomicOp::compare_exchange:
      return old == compare ? value : old;
    default:
      break;
  }
  if constexpr (std::is_integral_v<T>) {
    if (op == AtomicOp::and_) return old & value;
    if (op == AtomicOp::or_) return old | value;
    if (op == AtomicOp::xor_) return old ^ value;
  }
  return old;
}

}  // namespace

template <class T>
T atomic(AtomicOp op, T* p, T value, T compare) {
  kernel_access(p, sizeof(T), Access::atomic, __builtin_return_address(0));
  std::atomic_ref<T> target(*p);
  T old = target.load(std::memory_order_relaxed);
  while (!target.compare_exchange_weak(old, updated(op, old, value, compare),
                                       std::memory_order_relaxed)) {
  }
  return old;
}

template int atomic(AtomicOp, int*, int, int);
template unsigned atomic(AtomicOp, unsigned*, unsigned, unsigned);
template unsigned long long atomic(AtomicOp, unsigned long long*, unsigned long long,
                                   unsigned long long);
template float atomic(AtomicOp, float*, float, float);
template double atomic(AtomicOp, double*, double, double);

}  // namespace tinct::simt
