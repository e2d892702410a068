// The thread pool behind parallel_for.
#include "core/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tinct {
namespace {

using Body = std::function<void(std::size_t, std::size_t)>;

int processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Workers watch a generation counter: they spin for a while (the next kernel usually follows within
// microseconds), then sleep until the caller wakes them.
class Pool {
 public:
  explicit Pool(int count) : count_(count) {
    for (int rank = 1; rank < count_; ++rank) workers_.emplace_back([this, rank] { work(rank); });
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int count() const { return count_; }

  void run(std::size_t size, const Body& body) {
    size_ = size;
    body_ = &body;
    error_ = nullptr;
    pending_.store(count_ - 1, std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    run_range(0);
    while (pending_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void run_range(int rank) {
    const std::size_t parts = static_cast<std::size_t>(count_);
    const std::size_t r = static_cast<std::size_t>(rank);
    const std::size_t begin = size_ / parts * r + std::min(r, size_ % parts);
    const std::size_t end = begin + size_ / parts + (r < size_ % parts ? 1 : 0);
    if (begin == end) return;
    try {
      (*body_)(begin, end);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void work(int rank);

  const int count_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned> generation_{0};
  std::atomic<int> pending_{0};
  bool stop_ = false;
  std::size_t size_ = 0;
  const Body* body_ = nullptr;
  std::exception_ptr error_;
};

thread_local bool inside_parallel_for = false;

void Pool::work(int rank) {
  inside_parallel_for = true;
  unsigned seen = 0;
  for (;;) {
    constexpr int kSpins = 2000;
    for (int i = 0; i < kSpins && generation_.load(std::memory_order_acquire) == seen; ++i) {
      __builtin_ia32_pause();
    }
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
      seen = generation_.load(std::memory_order_acquire);
      if (stop_) return;
    }
    run_range(rank);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

std::mutex pool_mutex;  // held for the length of a parallel_for
std::unique_ptr<Pool>& pool() {
  static std::unique_ptr<Pool> instance = std::make_unique<Pool>(processors());
  return instance;
}

}  // namespace

int threads() {
  return pool()->count();
}

void set_threads(int count) {
  if (count < 1 || count > 1024) {
    throw std::invalid_argument("set_threads: " + std::to_string(count) + " is not in 1..1024");
  }
  std::lock_guard lock(pool_mutex);
  if (count != pool()->count()) pool() = std::make_unique<Pool>(count);
}

void parallel_for(std::size_t count, const Body& body) {
  if (count == 0) return;
  std::unique_lock lock(pool_mutex, std::defer_lock);
  if (count == 1 || inside_parallel_for || !lock.try_lock() || pool()->count() == 1) {
    body(0, count);
    return;
  }
  inside_parallel_for = true;
  struct Reset {
    ~Reset() { inside_parallel_for = false; }
  } reset;
  pool()->run(count, body);
}

SerialScope::SerialScope() : outer_(inside_parallel_for) {
  inside_parallel_for = true;
}

SerialScope::~SerialScope() {
  inside_parallel_for = outer_;
}

double parallel_sum(std::size_t count, std::size_t chunk_size,
                    const std::function<double(std::size_t, std::size_t)>& chunk) {
  const std::size_t chunks = (count + chunk_size - 1) / chunk_size;
  std::vector<double> partial(chunks);
  parallel_for(chunks, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      partial[i] = chunk(i * chunk_size, std::min(count, (i + 1) * chunk_size));
    }
  });
  double sum = 0;
  for (const double p : partial) sum += p;
  return sum;
}

}  // namespace tinct
