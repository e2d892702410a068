// Turns: every thread runs until it waits, then what it waits for (waits.cpp) is resolved. Between
// two waits of a warp its lanes run one after another, which is what Volta and later promise, and
// no more.
#include "core/simt/worker.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/simt/checker.h"

namespace tinct::simt {

constinit thread_local Here here;

namespace {

// Before and behind dynamic shared memory: where stepping over its end does no harm.
constexpr std::size_t kDynamicGuard = 4096;

thread_local Worker* running_worker = nullptr;

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

void shuffle(std::vector<unsigned>& items, std::uint64_t& state) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[next_random(state) % i]);
  }
}

std::string text_of(Index i) {
  return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}

}  // namespace

Worker& Worker::here() {
  thread_local Worker worker;
  return worker;
}

Worker* Worker::running() {
  return running_worker;
}

Worker::~Worker() = default;

std::string Worker::describe(unsigned thread) const {
  return "thread " + text_of(threads_[thread].index) + " of block " + text_of(block_);
}

bool Worker::near_dynamic(std::uintptr_t address) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(dynamic_.get());
  return dynamic_bytes_ > 0 && address >= begin &&
         address + 16 <= begin + dynamic_bytes_ + 2 * kDynamicGuard;
}

bool Worker::on_any_stack(std::uintptr_t address) const {
  return std::any_of(fibers_.begin(), fibers_.end(), [=](const auto& fiber) {
    return fiber->owns(reinterpret_cast<const void*>(address));
  });
}

void Worker::fiber_main() {
  for (;;) {
    Worker& w = *running_worker;
    try {
      w.request_->body(w.request_->parameters);
    } catch (...) {
      // Rethrown by the scheduler: a handler must be left before the stack is.
      w.thrown_ = std::current_exception();
    }
    w.threads_[w.current_].state = Thread::State::done;
    w.leave();
  }
}

void Worker::leave() {
  Fiber* fiber = threads_[current_].fiber;
  running_worker = nullptr;
  fiber->suspend();
}

void Worker::prepare(const Request& request, Index block) {
  const Index size = request.block;
  const unsigned count = size.x * size.y * size.z;
  request_ = &request;
  block_ = block;
  threads_.resize(count);
  turns_.resize(count);
  arrived_.assign((count + 31) / 32, 0);
  unsigned t = 0;
  for (unsigned z = 0; z < size.z; ++z) {
    for (unsigned y = 0; y < size.y; ++y) {
      for (unsigned x = 0; x < size.x; ++x, ++t) {
        Thread& thread = threads_[t];
        thread.index = {x, y, z};
        thread.state = Thread::State::fresh;
        thread.fiber = nullptr;
        thread.copies.clear();
        thread.group = 0;
      }
    }
  }
  if (dynamic_bytes_ < request.shared_bytes) {
    dynamic_bytes_ = request.shared_bytes;
    dynamic_ = std::make_unique<std::byte[]>(dynamic_bytes_ + 2 * kDynamicGuard);
  }
  // 128-byte aligned, as on a card, so that banks are what they would be there.
  auto address = reinterpret_cast<std::uintptr_t>(dynamic_.get());
  address = (address + kDynamicGuard) / 128 * 128;
  simt::here.dynamic_shared = request.shared_bytes > 0 ? reinterpret_cast<void*>(address) : nullptr;
  simt::here.block = block;
  simt::here.block_dim = size;
  simt::here.grid_dim = request.grid;
  live_ = count;
  waiting_ = 0;
  predicates_ = 0;
}

void Worker::run_block(const Request& request, Index block, const Order& order, Checker* checker) {
  prepare(request, block);
  checker_ = checker;
  if (checker_ != nullptr) checker_->begin_block(*this);
  try {
    take_turns(order);
  } catch (...) {
    fibers_.clear();  // their stacks are in the middle of the kernel
    idle_.clear();
    checker_ = nullptr;
    throw;
  }
  if (checker_ != nullptr) checker_->end_block();
  checker_ = nullptr;
}

void Worker::take_turns(const Order& order) {
  std::iota(turns_.begin(), turns_.end(), 0u);
  if (order.kind == Order::reversed) std::reverse(turns_.begin(), turns_.end());
  std::uint64_t state = order.seed ^ (block_.x + block_.y * 0x10001ull + block_.z * 0x100000007ull);
  while (live_ > 0) {
    bool progress = false;
    if (order.kind == Order::random) shuffle(turns_, state);
    for (const unsigned t : turns_) {
      if (threads_[t].state > Thread::State::ready) continue;
      step(t);
      progress = true;
    }
    if (waiting_ > 0 && waiting_ == live_ && live_ == threads_.size()) {
      release_barrier();
    } else if (!progress) {
      stuck();
    }
  }
}

void Worker::step(unsigned t) {
  Thread& thread = threads_[t];
  if (thread.fiber == nullptr) {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>(&Worker::fiber_main));
      idle_.push_back(fibers_.back().get());
    }
    thread.fiber = idle_.back();
    idle_.pop_back();
  }
  current_ = t;
  simt::here.thread = thread.index;
  running_worker = this;
  thread.fiber->resume();
  running_worker = nullptr;
  if (stopped_) {
    const Stopped stopped = std::move(*stopped_);
    stopped_.reset();
    throw stopped;
  }
  if (thread.state == Thread::State::at_collective) {
    arrive(t);
  } else if (thread.state == Thread::State::at_barrier) {
    ++waiting_;
    predicates_ += thread.predicate != 0;
  } else if (thread.state == Thread::State::done) {
    --live_;
    idle_.push_back(thread.fiber);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
}

// The incident is moved off this stack, which nobody will unwind.
void Worker::stop(Incident incident, bool reported) {
  if (running_worker == nullptr) throw Stopped{std::move(incident), reported};
  stopped_ = std::make_unique<Stopped>(Stopped{std::move(incident), reported});
  leave();
  std::terminate();  // a stopped fiber is never resumed
}

void Worker::fail(Fault fault, const std::string& text, unsigned thread) const {
  throw Stopped{{fault, threads_[thread].site, threads_[thread].pc, text}};
}

}  // namespace tinct::simt
