// Threads by static partition: the same bits for any number of them.
#pragma once

#include <cstddef>
#include <functional>

namespace tinct {

/// The number of threads that parallel_for uses; at first the number of processors this process may
/// run on.
int threads();
/// Throws std::invalid_argument unless 1 <= count <= 1024. Not while a parallel_for is under way.
void set_threads(int count);

/// Calls body(begin, end) for disjoint ranges that cover [0, count), one range a thread, and waits.
/// What body writes for an index must not depend on the range it came in: then results are the same
/// bits for any thread count. A call from inside a body, or while another thread's call is under
/// way, runs on the caller alone. The first exception that a body throws is thrown here again.
void parallel_for(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body);

/// While it lives, parallel_for on this thread runs on this thread alone: for background threads,
/// which must not take the pool from the computation.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool outer_;
};

/// The sum of chunk(begin, end) over [0, count) cut every `chunk_size` indices, added in order of
/// index: the cut depends on the arguments alone, so the sum is the same bits for any thread count.
double parallel_sum(std::size_t count, std::size_t chunk_size,
                    const std::function<double(std::size_t, std::size_t)>& chunk);

}  // namespace tinct
