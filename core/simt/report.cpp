// Reports: what checked launches found and counted, and the sessions that collect it.
#include <algorithm>
#include <tuple>

#include "core/simt/checker.h"
#include "core/simt/flops.h"
#include "core/simt/worker.h"

namespace tinct::simt {

namespace {

constexpr std::uint64_t kStepLimit = std::uint64_t{1} << 32;

}  // namespace

struct Session::State {
  Report report;
  std::uint64_t step_limit = kStepLimit;
  std::unique_ptr<Passes> passes;  ///< null: FLOPs are not counted
  Session* outer = nullptr;
};

namespace {

thread_local Session* innermost = nullptr;

constexpr std::size_t kNamedInError = 5;

bool same_line(const LineCount& a, const LineCount& b) {
  return a.where == b.where && a.space == b.space && a.access == b.access;
}

bool same_line(const FlopCount& a, const FlopCount& b) {
  return a.where == b.where;
}

// "a.cu:9" comes before "a.cu:10".
std::pair<std::string, long> sort_key(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string::npos) return {where, 0};
  return {where.substr(0, colon), std::strtol(where.c_str() + colon + 1, nullptr, 10)};
}

std::tuple<std::pair<std::string, long>, Space, Access> sort_key(const LineCount& line) {
  return {sort_key(line.where), line.space, line.access};
}

std::pair<std::string, long> sort_key(const FlopCount& line) {
  return sort_key(line.where);
}

void add(LineCount& to, const LineCount& line) {
  to.lanes += line.lanes;
  to.bytes += line.bytes;
  to.requests += line.requests;
  to.sectors += line.sectors;
  to.ideal_sectors += line.ideal_sectors;
  to.waves += line.waves;
  to.ideal_waves += line.ideal_waves;
  to.collisions += line.collisions;
}

void add(FlopCount& to, const FlopCount& line) {
  to.flops += line.flops;
  to.special += line.special;
}

template <class Line>
void add_line(std::vector<Line>& lines, const Line& line) {
  const auto at =
      std::lower_bound(lines.begin(), lines.end(), line,
                       [](const Line& a, const Line& b) { return sort_key(a) < sort_key(b); });
  if (at != lines.end() && same_line(*at, line)) {
    add(*at, line);
  } else {
    lines.insert(at, line);
  }
}

}  // namespace

const char* name(Fault fault) {
  switch (fault) {
    case Fault::out_of_bounds:
      return "out of bounds";
    case Fault::uninitialised:
      return "uninitialised read";
    case Fault::race:
      return "race";
    case Fault::divergent_barrier:
      return "divergent barrier";
    case Fault::absent_lane:
      return "absent lane";
    case Fault::mixed_collective:
      return "mixed collective";
    case Fault::host_pointer:
      return "host pointer";
    case Fault::misaligned:
      return "misaligned";
    case Fault::async_copy:
      return "copy under way";
    case Fault::endless:
      return "endless";
    case Fault::trap:
      return "trap";
  }
  return "?";
}

std::string to_string(const Finding& f) {
  std::string text = f.where + ": " + name(f.fault) + ": " + f.text;
  if (f.count > 1) text += " (" + std::to_string(f.count) + " times)";
  return text;
}

Finding to_finding(const Incident& i) {
  std::string text = i.text;
  if (i.other_pc != nullptr) text += place({}, i.other_pc);
  return {i.fault, place(i.site, i.pc), text, i.count};
}

void add_line(Report& report, const LineCount& line) {
  add_line(report.lines, line);
}

void add_line(Report& report, const FlopCount& line) {
  add_line(report.flops, line);
}

void add_launch(Report& report, const LaunchCount& launch) {
  for (LaunchCount& known : report.kernels) {
    if (known.kernel != launch.kernel || known.grid != launch.grid || known.block != launch.block ||
        known.shared_bytes != launch.shared_bytes) {
      continue;
    }
    known.launches += launch.launches;
    known.sectors += launch.sectors;
    known.block_sectors += launch.block_sectors;
    known.waves += launch.waves;
    known.requests += launch.requests;
    known.tensor_ops += launch.tensor_ops;
    return;
  }
  report.kernels.push_back(launch);
}

LineCount Report::total(Space space, Access access) const {
  LineCount sum;
  sum.space = space;
  sum.access = access;
  for (const LineCount& line : lines) {
    if (line.space == space && line.access == access) add(sum, line);
  }
  return sum;
}

FlopCount Report::total_flops() const {
  FlopCount sum;
  for (const FlopCount& line : flops) add(sum, line);
  return sum;
}

bool Report::has(Fault fault) const {
  return std::any_of(findings.begin(), findings.end(),
                     [=](const Finding& f) { return f.fault == fault; });
}

Session::Session() : state_(std::make_unique<State>()) {
  state_->outer = innermost;
  innermost = this;
}

Session::~Session() {
  innermost = state_->outer;
}

Report Session::report() const {
  Report report = state_->report;
  if (state_->passes != nullptr) add_flops(report, *state_->passes);
  return report;
}

void Session::count_flops() {
  if (state_->passes == nullptr) state_->passes = std::make_unique<Passes>();
}

void Session::set_step_limit(std::uint64_t accesses) {
  state_->step_limit = accesses;
}

void run_checked(const Request& request, const std::function<void(Checker&)>& blocks) {
  Session* session = innermost;
  Checker checker(request, session != nullptr ? session->state().step_limit : kStepLimit);
  try {
    const Passing passing(session != nullptr ? session->state().passes.get() : nullptr);
    blocks(checker);
  } catch (const Stopped& stopped) {
    if (!stopped.reported) checker.add(stopped.incident);
  }
  std::vector<const void*> pcs;
  for (const Incident& i : checker.incidents()) {
    pcs.push_back(i.pc);
    pcs.push_back(i.other_pc);
  }
  look_up(pcs);
  if (session != nullptr) {
    Report& report = session->state().report;
    for (const Incident& i : checker.incidents()) report.findings.push_back(to_finding(i));
    checker.add_to(report);
    return;
  }
  if (checker.incidents().empty()) return;
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamedInError, checker.incidents().size()); ++i) {
    text += (i > 0 ? "\n" : "") + to_string(to_finding(checker.incidents()[i]));
  }
  if (checker.incidents().size() > kNamedInError) {
    text += "\nand " + std::to_string(checker.incidents().size() - kNamedInError) + " more";
  }
  throw KernelFault(text);
}

}  // namespace tinct::simt
