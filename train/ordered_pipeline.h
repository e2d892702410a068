// Parallel production, ordered consumption: for work whose results must be used in a fixed order.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/threads.h"

namespace tinct {

/// Calls consume(i, produce(i)) for i = 0..count-1: produce on `jobs` threads, consume on the
/// caller's thread and in order. At most 4 results a job are held at once. The first exception of
/// either (in order of i for produce) ends the work and is thrown again.
template <class Produce, class Consume>
void ordered_pipeline(std::size_t count, std::size_t jobs, const Produce& produce,
                      const Consume& consume) {
  using Result = decltype(produce(std::size_t{}));
  struct Slot {
    std::optional<Result> result;
    std::exception_ptr error;
  };
  std::mutex mutex;
  std::condition_variable room, ready;
  std::map<std::size_t, Slot> slots;
  std::size_t taken = 0, consumed = 0;
  bool stop = false;

  const auto work = [&] {
    const SerialScope serial;
    std::unique_lock lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return stop || taken == count || taken < consumed + 4 * jobs; });
      if (stop || taken == count) return;
      const std::size_t i = taken++;
      lock.unlock();
      Slot slot;
      try {
        slot.result.emplace(produce(i));
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      slots.emplace(i, std::move(slot));
      ready.notify_one();
    }
  };

  std::vector<std::jthread> threads;  // join when this function is left, by an exception too
  struct Stop {
    std::mutex& mutex;
    std::condition_variable& room;
    bool& stop;
    ~Stop() {
      const std::lock_guard lock(mutex);
      stop = true;
      room.notify_all();
    }
  } stopper{mutex, room, stop};
  for (std::size_t i = 0; i < std::min(jobs, count); ++i) threads.emplace_back(work);
  for (std::size_t i = 0; i < count; ++i) {
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return slots.count(i) > 0; });
    Slot slot = std::move(slots.at(i));
    slots.erase(i);
    consumed = i + 1;
    lock.unlock();
    room.notify_all();
    if (slot.error) std::rethrow_exception(slot.error);
    consume(i, std::move(*slot.result));
  }
}

}  // namespace tinct
