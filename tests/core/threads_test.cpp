// The thread pool: coverage, nesting, exceptions, and sums that do not depend on the thread count.
#include "core/threads.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace tinct;

namespace {
struct Threads {
  explicit Threads(int count) : before(threads()) { set_threads(count); }
  ~Threads() { set_threads(before); }
  int before;
};
}  // namespace

TEST_CASE("parallel_for visits every index once, for any thread count") {
  for (const int count : {1, 2, 3, 7}) {
    const Threads scope(count);
    for (const std::size_t size : {0u, 1u, 2u, 3u, 6u, 7u, 1000u}) {
      std::vector<std::atomic<int>> visits(size);
      parallel_for(size, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
      for (const auto& v : visits) CHECK(v == 1);
    }
  }
}

TEST_CASE("a nested parallel_for runs on its caller") {
  const Threads scope(3);
  std::atomic<int> sum{0};
  parallel_for(3, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      parallel_for(10, [&](std::size_t b, std::size_t e) { sum += static_cast<int>(e - b); });
    }
  });
  CHECK(sum == 30);
}

TEST_CASE("calls from several threads at once all complete") {
  const Threads scope(2);
  std::atomic<std::size_t> sum{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        parallel_for(8, [&](std::size_t b, std::size_t e) { sum += e - b; });
      }
    });
  }
  for (std::thread& t : callers) t.join();
  CHECK(sum == 4 * 200 * 8);
}

TEST_CASE("an exception in a body reaches the caller, and the pool goes on") {
  const Threads scope(2);
  CHECK_THROWS_AS(parallel_for(2,
                               [](std::size_t, std::size_t end) {
                                 if (end == 2) throw std::runtime_error("planted");
                               }),
                  std::runtime_error);
  std::atomic<int> calls{0};
  parallel_for(2, [&](std::size_t, std::size_t) { ++calls; });
  CHECK(calls == 2);
  CHECK_THROWS_AS(set_threads(0), std::invalid_argument);
}

TEST_CASE("parallel_sum gives the same bits for any thread count") {
  std::vector<float> values(100003);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  const auto sum = [&] {
    return parallel_sum(values.size(), 1024, [&](std::size_t b, std::size_t e) {
      float s = 0;
      for (std::size_t i = b; i < e; ++i) s += values[i];
      return double{s};
    });
  };
  double reference = 0;
  for (const int count : {1, 2, 3, 5}) {
    const Threads scope(count);
    if (count == 1) reference = sum();
    CHECK(sum() == reference);
  }
  CHECK(reference == Approx(12.0902).epsilon(1e-5));  // H(100003)
}
