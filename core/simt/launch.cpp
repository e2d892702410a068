// Launching: CUDA's limits, the blocks over the cores or one after another, and what kernels call.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <numeric>
#include <stdexcept>

#include "core/simt/arena.h"
#include "core/simt/checker.h"
#include "core/simt/simulator.h"
#include "core/simt/worker.h"
#include "core/threads.h"

namespace tinct::simt {
namespace {

Order order_from_environment() {
  const char* text = std::getenv("TINCT_SIMT_ORDER");
  if (text == nullptr || *text == 0 || std::strcmp(text, "forward") == 0) return {};
  if (std::strcmp(text, "reversed") == 0) return {Order::reversed, 0};
  if (std::strncmp(text, "random", 6) == 0) {
    return {Order::random, text[6] == ':' ? std::strtoull(text + 7, nullptr, 10) : 0};
  }
  throw std::invalid_argument("TINCT_SIMT_ORDER: forward, reversed or random:SEED, not " +
                              std::string(text));
}

std::mutex order_mutex;

Order& current_order() {
  static Order order = order_from_environment();
  return order;
}

std::string text_of(Index i) {
  return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}

void check_limits(const Request& r) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument("launch: grid " + text_of(r.grid) + " of blocks " +
                                text_of(r.block) + ": " + why);
  };
  const std::size_t threads = std::size_t{r.block.x} * r.block.y * r.block.z;
  if (r.grid.x == 0 || r.grid.y == 0 || r.grid.z == 0) refuse("a grid has at least one block");
  if (r.grid.x > 0x7FFFFFFFu) refuse("at most 2147483647 blocks in x");
  if (r.grid.y > 65535 || r.grid.z > 65535) refuse("at most 65535 blocks in y and in z");
  if (threads == 0) refuse("a block has at least one thread");
  if (r.block.x > 1024 || r.block.y > 1024 || threads > 1024) {
    refuse("a block has at most 1024 threads");
  }
  if (r.block.z > 64) refuse("a block has at most 64 threads in z");
  if (r.shared_bytes > 227 * 1024) {
    refuse("a block has at most 227 KiB of shared memory, not " + std::to_string(r.shared_bytes) +
           " bytes");
  }
}

// The n-th block in x-fastest order.
Index block_index(const Index& grid, std::size_t n) {
  return {static_cast<unsigned>(n % grid.x), static_cast<unsigned>(n / grid.x % grid.y),
          static_cast<unsigned>(n / grid.x / grid.y)};
}

// A permutation of [0, count) by multiplication, so that a large grid needs no table.
std::size_t turn_of(std::size_t n, std::size_t count, const Order& order) {
  if (order.kind == Order::reversed) return count - 1 - n;
  if (order.kind == Order::random) {
    std::size_t step = (order.seed * 2 + 1) % count;
    for (step = std::max<std::size_t>(step, 1); std::gcd(step, count) != 1;) ++step;
    return (n * step + order.seed) % count;
  }
  return n;
}

[[noreturn]] void outside(const char* what) {
  throw std::logic_error(std::string(what) + " called outside a kernel");
}

Worker& worker(const char* what) {
  Worker* running = Worker::running();
  if (running == nullptr) outside(what);
  return *running;
}

}  // namespace

void set_order(Order order) {
  const std::lock_guard lock(order_mutex);
  current_order() = order;
}

Order order() {
  const std::lock_guard lock(order_mutex);
  return current_order();
}

void run(const Request& request) {
  check_limits(request);
  if (Worker::running() != nullptr) throw std::logic_error("launch called inside a kernel");
  const Order turns = order();
  const OpenArena open;
  const std::size_t blocks = std::size_t{request.grid.x} * request.grid.y * request.grid.z;
  if (request.checked) {
    run_checked(request, [&](Checker& checker) {
      for (std::size_t n = 0; n < blocks; ++n) {
        Worker::here().run_block(request, block_index(request.grid, turn_of(n, blocks, turns)),
                                 turns, &checker);
      }
    });
    return;
  }
  unchecked_launch();
  try {
    parallel_for(blocks, [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        Worker::here().run_block(request, block_index(request.grid, turn_of(n, blocks, turns)),
                                 turns, nullptr);
      }
    });
  } catch (const Stopped& stopped) {
    throw KernelFault(to_string(to_finding(stopped.incident)));
  }
}

int barrier(int predicate, Site site) {
  return worker("__syncthreads").barrier(predicate, site, __builtin_return_address(0));
}

void collective(Collective kind, unsigned mask, Exchange& exchange, Site site) {
  worker(name(kind)).collective(kind, mask, exchange, site, __builtin_return_address(0));
}

void async_copy(void* shared, const void* global, unsigned size, unsigned bytes) {
  worker("cp.async")
      .async_copy({shared, global, size, std::min(size, bytes), 0}, __builtin_return_address(0));
}

void async_commit() {
  worker("cp.async.commit_group").async_commit();
}

void async_wait(unsigned pending) {
  worker("cp.async.wait_group").async_wait(pending, __builtin_return_address(0));
}

void trap(const char* message, Site site) {
  Worker& w = worker("__trap");
  w.stop(
      {Fault::trap, site, __builtin_return_address(0), w.describe(w.current()) + ": " + message});
}

}  // namespace tinct::simt
