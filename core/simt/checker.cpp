// A checked launch: every access is told apart by its address, then checked and counted.
#include "core/simt/checker.h"

#include <algorithm>

#include "core/simt/symbols.h"
#include "core/simt/worker.h"

namespace tinct::simt {
namespace {

std::uintptr_t number(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}

std::string done(Access access, std::size_t bytes) {
  constexpr const char* kVerbs[] = {"reads ", "writes ", "updates "};
  return kVerbs[static_cast<int>(access)] + std::to_string(bytes) +
         (bytes == 1 ? " byte" : " bytes");
}

Range range_of(const void* begin, std::size_t bytes) {
  return {number(begin), number(begin) + bytes};
}

}  // namespace

// Block numbers go on from launch to launch, so that shadows need no clearing.
static Ordering& ordering_so_far() {
  thread_local Ordering ordering;
  return ordering;
}

Checker::Checker(const Request& request, std::uint64_t step_limit)
    : request_(request),
      step_limit_(step_limit),
      parameters_(range_of(request.parameters, request.parameter_bytes)),
      statics_(thread_locals()),
      built_ins_(range_of(&here, sizeof here)),
      static_shadow_(statics_.begin, statics_.end - statics_.begin),
      dynamic_shadow_(0, request.shared_bytes),
      ordering_(ordering_so_far()) {
  ordering_.begin_launch();
  counted_.launches = 1;
}

void Checker::begin_block(Worker& worker) {
  worker_ = &worker;
  ordering_.begin_block(worker.threads());
  ordering_so_far() = ordering_;
  counts_.begin_block((worker.threads() + 31) / 32);
  dynamic_ =
      range_of(here.dynamic_shared, here.dynamic_shared == nullptr ? 0 : request_.shared_bytes);
  arriving_.clear();
  steps_ = 0;
  ++counted_.blocks;
  counted_.threads += worker.threads();
}

void Checker::end_block() {
  counts_.close_all();
}

void Checker::barrier() {
  ordering_.barrier();
  counts_.close_all();
  steps_ = 0;
  ++counted_.barriers;
}

void Checker::collective(Collective kind, unsigned warp, unsigned mask,
                         const std::array<Exchange*, 32>& lanes) {
  ++counted_.collectives;
  steps_ = 0;
  if (kind == Collective::mma_bf16 || kind == Collective::mma_tf32) ++counted_.tensor_ops;
  if (kind == Collective::load_matrix) {
    const unsigned rows = 8 * (lanes[0]->argument % 8);
    for (unsigned lane = 0; lane < rows; ++lane) {
      const unsigned thread = 32 * warp + lane;
      one(thread, lanes[lane]->value, 16, Access::read, worker_->thread(thread).pc);
    }
  }
  ordering_.collective(warp, mask);
  const unsigned lanes_of_warp = std::min(32u, worker_->threads() - 32 * warp);
  if (mask == (lanes_of_warp == 32 ? ~0u : (1u << lanes_of_warp) - 1)) counts_.close(warp);
}

void Checker::access(std::uintptr_t address, std::size_t bytes, Access access, const void* pc) {
  one(worker_->current(), address, bytes, access, pc);
}

void Checker::one(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
                  const void* pc) {
  if (built_ins_.holds(address) || worker_->on_stack_of(thread, address)) return;
  if (parameters_.holds(address) && access == Access::read) return;
  if (thread != stepping_) {
    stepping_ = thread;
    steps_ = 0;
  }
  if (++steps_ > step_limit_) {
    worker_->stop({Fault::endless,
                   {},
                   pc,
                   worker_->describe(thread) + " has made " + std::to_string(step_limit_) +
                       " accesses without waiting for another"});
  }
  if (bytes > 1 && address % bytes != 0) {
    report(Fault::misaligned, thread, pc,
           done(access, bytes) + " at an address that is not a multiple of that");
    if (bytes == 16) worker_->stop(incidents_.back(), true);
  }
  if (Arena::get().contains(reinterpret_cast<const void*>(address))) {
    global(thread, address, bytes, access, pc);
  } else if (dynamic_.holds(address, bytes)) {
    shared(thread, address, bytes, access, pc, dynamic_shadow_);
  } else if (statics_.holds(address)) {
    if (!outside_array(thread, address, bytes, access, pc)) {
      shared(thread, address, bytes, access, pc, static_shadow_);
    }
  } else {
    stray(thread, address, bytes, access, pc);
  }
}

void Checker::global(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
                     const void* pc) {
  counts_.add(thread, address, bytes, Space::global, access, pc);
  const Allocation allocation = Arena::get().at_or_before(address);
  if (address + bytes > allocation.end()) {
    const std::string of = allocation.bytes == 0
                               ? " of device memory where nothing is allocated"
                               : ", " + std::to_string(address - allocation.end()) +
                                     " past the end of an allocation of " +
                                     std::to_string(allocation.bytes) + " bytes";
    report(Fault::out_of_bounds, thread, pc, done(access, bytes) + of);
    if (!Arena::get().mapped(address + bytes)) worker_->stop(incidents_.back(), true);
    return;
  }
  Shadow& shadow = shadow_of(allocation);
  if (access != Access::write && !shadow.written(address, bytes)) {
    report(Fault::uninitialised, thread, pc,
           done(access, bytes) + " of device memory that nothing was written to, " +
               std::to_string(address - allocation.begin) + " into an allocation of " +
               std::to_string(allocation.bytes) + " bytes");
  }
  if (access != Access::read) shadow.set_written(address, bytes);
  conflict(shadow.access(address, bytes, access, ordering_.mark(thread, access, pc), Space::global,
                         ordering_),
           thread, bytes, access, pc);
}

void Checker::shared(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
                     const void* pc, Shadow& shadow) {
  counts_.add(thread, address, bytes, Space::shared, access, pc);
  if (!arriving_.empty()) {
    for (std::uintptr_t word = address / 4; word <= (address + bytes - 1) / 4; ++word) {
      const auto copy = arriving_.find(word);
      if (copy == arriving_.end()) continue;
      report(Fault::async_copy, thread, pc,
             done(access, bytes) + " of shared memory that a cp.async has yet to fill, issued at ",
             copy->second);
      return;
    }
  }
  const bool dynamic = &shadow == &dynamic_shadow_;
  const Shadow::Conflict found =
      shadow.access(dynamic ? address - dynamic_.begin : address, bytes, access,
                    ordering_.mark(thread, access, pc), Space::shared, ordering_);
  if (found.unwritten) {
    report(Fault::uninitialised, thread, pc,
           done(access, bytes) + " of shared memory that this block has not written");
  }
  conflict(found, thread, bytes, access, pc);
}

// Static shared memory that belongs to no array.
bool Checker::outside_array(unsigned thread, std::uintptr_t address, std::size_t bytes,
                            Access access, const void* pc) {
  const std::vector<SharedArray>& arrays = shared_arrays();
  if (arrays.empty()) return false;  // stripped: nothing is known
  const std::size_t offset = address - statics_.begin;
  auto after =
      std::upper_bound(arrays.begin(), arrays.end(), offset,
                       [](std::size_t at, const SharedArray& array) { return at < array.offset; });
  if (after == arrays.begin()) return false;
  const SharedArray& array = *std::prev(after);
  if (offset + bytes <= array.offset + array.bytes) return false;
  report(Fault::out_of_bounds, thread, pc,
         done(access, bytes) + ", " + std::to_string(offset - array.offset) +
             " from the start of the shared array " + array.name + " of " +
             std::to_string(array.bytes) + " bytes");
  return true;
}

// Neither device nor shared memory.
void Checker::stray(unsigned thread, std::uintptr_t address, std::size_t bytes, Access access,
                    const void* pc) {
  if (access == Access::read) {
    for (const Range& range : constants()) {
      if (range.holds(address, bytes)) return;
    }
  }
  if (worker_->near_dynamic(address)) {
    report(Fault::out_of_bounds, thread, pc,
           done(access, bytes) + " outside the " + std::to_string(request_.shared_bytes) +
               " bytes of dynamic shared memory that the launch asked for");
    return;
  }
  const char* of = address < 4096                   ? " through a null pointer"
                   : worker_->on_any_stack(address) ? " of another thread's local memory"
                                                    : " of memory that belongs to the host";
  report(Fault::host_pointer, thread, pc, done(access, bytes) + of);
  worker_->stop(incidents_.back(), true);
}

void Checker::conflict(const Shadow::Conflict& found, unsigned thread, std::size_t bytes,
                       Access access, const void* pc) {
  if (!found.race) return;
  const bool same_block = found.other.block == ordering_.block();
  std::string other = same_block
                          ? worker_->describe(found.other.thread)
                          : "thread " + std::to_string(found.other.thread) + " of another block";
  report(Fault::race, thread, pc,
         done(access, bytes) + " that " + other +
             (found.other.atomic  ? " updates atomically"
              : found.other_wrote ? " writes"
                                  : " reads") +
             ", and nothing orders the two; the other is at ",
         found.other.pc);
}

void Checker::async_issue(const AsyncCopy& copy, const void* pc) {
  if (copy.bytes > 0) access(number(copy.global), copy.bytes, Access::read, pc);
  const std::uintptr_t to = number(copy.shared);
  if (!dynamic_.holds(to, copy.size) && !statics_.holds(to, copy.size)) {
    report(Fault::out_of_bounds, worker_->current(), pc,
           "copies asynchronously to what is not shared memory");
    worker_->stop(incidents_.back(), true);
  }
  for (std::uintptr_t word = to / 4; word < (to + copy.size) / 4; ++word) arriving_[word] = pc;
}

void Checker::async_complete(const AsyncCopy& copy, const void* pc) {
  const std::uintptr_t to = number(copy.shared);
  for (std::uintptr_t word = to / 4; word < (to + copy.size) / 4; ++word) arriving_.erase(word);
  access(to, copy.size, Access::write, pc);
}

void Checker::report(Fault fault, unsigned thread, const void* pc, const std::string& text,
                     const void* other_pc) {
  if (seen(fault, pc)) return;
  add({fault, {}, pc, worker_->describe(thread) + " " + text, other_pc, 1});
}

// Counts a repetition.
bool Checker::seen(Fault fault, const void* pc) {
  const auto known = known_.find({fault, pc});
  if (known == known_.end()) return false;
  ++incidents_[known->second].count;
  return true;
}

void Checker::add(const Incident& incident) {
  known_[{incident.fault, incident.pc}] = incidents_.size();
  incidents_.push_back(incident);
}

void Checker::add_to(Report& report) const {
  report.launches += counted_.launches;
  report.blocks += counted_.blocks;
  report.threads += counted_.threads;
  report.barriers += counted_.barriers;
  report.collectives += counted_.collectives;
  report.tensor_ops += counted_.tensor_ops;
  add_launch(report, launch_count());
  std::vector<const void*> pcs;
  for (const auto& [key, count] : counts_.totals()) pcs.push_back(key.pc);
  look_up(pcs);
  for (const auto& [key, count] : counts_.totals()) {
    LineCount line = count;
    line.where = place({}, key.pc);
    line.space = key.space;
    line.access = key.access;
    add_line(report, line);
  }
}

LaunchCount Checker::launch_count() const {
  const Request& r = request_;
  LaunchCount launch;
  launch.kernel = function_name(r.kernel);
  // A lookup is of the byte before.
  launch.where = place({}, static_cast<const char*>(r.kernel) + 1);
  launch.grid = {r.grid.x, r.grid.y, r.grid.z};
  launch.block = {r.block.x, r.block.y, r.block.z};
  launch.shared_bytes = r.shared_bytes;
  launch.launches = 1;
  for (const auto& [key, count] : counts_.totals()) {
    launch.sectors += count.sectors;
    if (key.space == Space::global && key.access != Access::read) {
      launch.block_sectors += count.sectors;
    }
    launch.waves += count.waves;
    if (key.space == Space::global) launch.requests += count.requests;
  }
  launch.block_sectors += counts_.block_reads();
  launch.tensor_ops = counted_.tensor_ops;
  return launch;
}

void kernel_access(const void* address, std::size_t bytes, Access access, const void* pc) {
  const Worker* worker = Worker::running();
  if (worker == nullptr || worker->checker() == nullptr) return;
  worker->checker()->access(number(address), bytes, access, pc);
}

}  // namespace tinct::simt
