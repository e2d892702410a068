// What the threads of a block wait for: barriers, collectives of warps, and asynchronous copies.
#include <algorithm>
#include <cstring>

#include "core/simt/checker.h"
#include "core/simt/worker.h"

namespace tinct::simt {

namespace {

bool same(Site a, Site b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

}  // namespace

int Worker::barrier(int predicate, Site site, const void* pc) {
  Thread& thread = threads_[current_];
  thread.state = Thread::State::at_barrier;
  thread.predicate = predicate;
  thread.site = site;
  thread.pc = pc;
  leave();
  return thread.predicate;
}

void Worker::release_barrier() {
  const Thread& first = threads_.front();
  for (unsigned t = 1; t < threads(); ++t) {
    if (same(threads_[t].site, first.site)) continue;
    fail(Fault::divergent_barrier,
         describe(t) + " waits at this barrier while " + describe(0) + " waits at " +
             place(first.site, first.pc),
         t);
  }
  for (Thread& thread : threads_) {
    thread.state = Thread::State::ready;
    thread.predicate = predicates_;
  }
  waiting_ = 0;
  predicates_ = 0;
  if (checker_ != nullptr) checker_->barrier();
}

void Worker::collective(Collective kind, unsigned mask, Exchange& exchange, Site site,
                        const void* pc) {
  Thread& thread = threads_[current_];
  if ((mask >> current_ % 32 & 1) == 0) {
    stop({Fault::absent_lane, site, pc,
          describe(current_) + " is not in the mask of its own " + name(kind)});
  }
  thread.state = Thread::State::at_collective;
  thread.kind = kind;
  thread.mask = mask;
  thread.exchange = &exchange;
  thread.site = site;
  thread.pc = pc;
  leave();
}

// The last lane of a mask to come resolves the collective for all.
void Worker::arrive(unsigned t) {
  const unsigned warp = t / 32, base = warp * 32;
  const Thread& last = threads_[t];
  arrived_[warp] |= 1u << t % 32;
  if ((arrived_[warp] & last.mask) != last.mask) return;
  std::array<Exchange*, 32> lanes{};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((last.mask >> lane & 1) == 0) continue;
    const Thread& other = threads_[base + lane];
    if (other.kind != last.kind || other.mask != last.mask) {
      fail(Fault::mixed_collective,
           describe(t) + " calls " + name(last.kind) + " while " + describe(base + lane) +
               " of its mask calls " + name(other.kind) + " at " + place(other.site, other.pc) +
               (other.mask != last.mask ? " with another mask" : ""),
           t);
    }
    lanes[lane] = other.exchange;
  }
  if (checker_ != nullptr) checker_->collective(last.kind, warp, last.mask, lanes);
  unsigned offender = 0;
  const std::string wrong = exchange(last.kind, last.mask, lanes, offender);
  if (!wrong.empty()) {
    fail(Fault::absent_lane, describe(base + offender) + wrong, base + offender);
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (last.mask >> lane & 1) threads_[base + lane].state = Thread::State::ready;
  }
  arrived_[warp] &= ~last.mask;
}

void Worker::async_copy(const AsyncCopy& copy, const void* pc) {
  Thread& thread = threads_[current_];
  const auto misaligned = [&](const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) % copy.size != 0;
  };
  if (misaligned(copy.shared) || misaligned(copy.global)) {
    stop({Fault::misaligned,
          {},
          pc,
          describe(current_) + " copies " + std::to_string(copy.size) +
              " bytes asynchronously from or to an address that is not a multiple of that"});
  }
  thread.copies.push_back(copy);
  thread.copies.back().group = thread.group;
  if (checker_ != nullptr) checker_->async_issue(copy, pc);
}

void Worker::async_commit() {
  ++threads_[current_].group;
}

void Worker::async_wait(unsigned pending, const void* pc) {
  Thread& thread = threads_[current_];
  std::size_t done = 0;
  for (const AsyncCopy& copy : thread.copies) {
    if (copy.group + pending >= thread.group) break;
    if (checker_ != nullptr) checker_->async_complete(copy, pc);
    auto* to = static_cast<std::byte*>(copy.shared);
    std::memcpy(to, copy.global, copy.bytes);
    std::memset(to + copy.bytes, 0, copy.size - copy.bytes);
    ++done;
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<long>(done));
}

// Nobody can run, and not all wait at a barrier: says who waits for whom.
void Worker::stuck() const {
  for (unsigned t = 0; t < threads(); ++t) {
    const Thread& thread = threads_[t];
    if (thread.state != Thread::State::at_collective) continue;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((thread.mask >> lane & 1) == 0) continue;
      const unsigned other = t / 32 * 32 + lane;
      std::string where;
      if (other >= threads()) {
        where = ", which the block does not have";
      } else if (threads_[other].state == Thread::State::done) {
        where = ", which has returned";
      } else if (threads_[other].state == Thread::State::at_barrier) {
        where =
            ", which waits at the barrier of " + place(threads_[other].site, threads_[other].pc);
      } else {
        continue;
      }
      fail(Fault::absent_lane,
           describe(t) + " calls " + name(thread.kind) + " with lane " + std::to_string(lane) +
               " in the mask" + where,
           t);
    }
  }
  const auto at_barrier = std::find_if(threads_.begin(), threads_.end(), [](const Thread& thread) {
    return thread.state == Thread::State::at_barrier;
  });
  const auto t = static_cast<unsigned>(at_barrier - threads_.begin());
  const auto other = static_cast<unsigned>(
      std::find_if(threads_.begin(), threads_.end(),
                   [](const Thread& thread) { return thread.state == Thread::State::done; }) -
      threads_.begin());
  fail(Fault::divergent_barrier,
       std::to_string(waiting_) + " of " + std::to_string(threads()) +
           " threads wait at this barrier; " + describe(other) + " has returned",
       t);
}

}  // namespace tinct::simt
