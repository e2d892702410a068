// Kernels, their runs and their bounds as JSON.
#include <algorithm>

#include "tools/kernels_print.h"

namespace tinct {
namespace {

using nlohmann::json;
using study::Kernel;
using study::Rung;

#ifdef TINCT_STUDY_CHECKED

using simt::Access;
using simt::LineCount;
using simt::Space;

json counts_json(const LineCount& c) {
  json j = {{"requests", c.requests}, {"lanes", c.lanes}, {"bytes", c.bytes}};
  if (c.space == Space::global) {
    j["sectors"] = c.sectors;
    j["ideal_sectors"] = c.ideal_sectors;
  } else {
    j["waves"] = c.waves;
    j["ideal_waves"] = c.ideal_waves;
  }
  if (c.access == Access::atomic) j["collisions"] = c.collisions;
  return j;
}

json launches_json(const KernelResult& r) {
  json launches = json::array();
  const Work work = work_of(r);
  for (std::size_t i = 0; i < work.launches.size(); ++i) {
    const simt::LaunchCount& l = r.counts->report.kernels[i];
    launches.push_back({{"kernel", short_kernel_name(l.kernel)},
                        {"at", l.where},
                        {"launches", l.launches},
                        {"grid", l.grid},
                        {"block", l.block},
                        {"shared_bytes", work.launches[i].shared_bytes},
                        {"block_sectors", l.block_sectors}});
    if (const PtxasRow* row = r.counts->resources[i]; row != nullptr) {
      launches.back()["registers"] = row->registers;
      launches.back()["spill_bytes"] = row->spill_stores + row->spill_loads;
      launches.back()["ptxas"] = ptxas_architecture();
    }
  }
  return launches;
}

json flops_json(const simt::Report& report) {
  if (!report.flops_counted) return {};
  const auto both = [](const simt::FlopCount& c) {
    return json{{"flops", c.flops}, {"special", c.special}};
  };
  json total = both(report.total_flops());
  total["lines"] = json::array();
  for (const simt::FlopCount& c : report.flops) {
    total["lines"].push_back(both(c));
    total["lines"].back()["at"] = c.where;
  }
  return total;
}

json counts_json(const KernelResult& r) {
  json findings = json::array();
  for (const simt::Finding& f : r.counts->report.findings) findings.push_back(to_string(f));
  json lines = json::array();
  for (const LineCount& c : r.counts->report.lines) {
    json line = counts_json(c);
    line["at"] = c.where;
    line["memory"] = c.space == Space::global ? "device" : "shared";
    line["access"] = c.access == Access::read    ? "read"
                     : c.access == Access::write ? "write"
                                                 : "atomic";
    lines.push_back(line);
  }
  return {{"findings", findings},
          {"reads", counts_json(r.counts->report.total(Space::global, Access::read))},
          {"writes", counts_json(r.counts->report.total(Space::global, Access::write))},
          {"shared_reads", counts_json(r.counts->report.total(Space::shared, Access::read))},
          {"shared_writes", counts_json(r.counts->report.total(Space::shared, Access::write))},
          {"atomics", counts_json(r.counts->report.total(Space::global, Access::atomic))},
          {"shared_atomics", counts_json(r.counts->report.total(Space::shared, Access::atomic))},
          {"arithmetic", flops_json(r.counts->report)},
          {"tensor_ops", r.counts->report.tensor_ops},
          {"barriers", r.counts->report.barriers},
          {"launches", launches_json(r)},
          {"lines", lines}};
}

json bound_json(const Bound& b, const Card& card) {
  json parts = json::array();
  for (const Bound::Part& part : b.parts) {
    parts.push_back(
        {{"resource", name_of(part.resource)}, {"us", part.seconds * 1e6}, {"why", part.why}});
  }
  return {{"note", "model, not a measurement"},
          {"card", card.name},
          {"title", card.title},
          {"source", card.source},
          {"us", b.seconds() * 1e6},
          {"bound_by", b.parts.empty() ? "" : name_of(b.parts.front().resource)},
          {"resources", parts}};
}

#endif

}  // namespace

json to_json(const Kernel& kernel) {
  json rungs = json::array();
  std::vector<std::string> types;
  for (const Rung& rung : kernel.rungs) {
    json own = json::array();
    for (const study::Stored stored : rung.types) {
      own.push_back(name_of(stored));
      if (std::find(types.begin(), types.end(), name_of(stored)) == types.end()) {
        types.emplace_back(name_of(stored));
      }
    }
    rungs.push_back({{"rung", rung.number},
                     {"name", rung.name},
                     {"file", rung.file},
                     {"function", rung.function},
                     {"idea", rung.idea},
                     {"types", own}});
  }
  json shape = json::array();
  for (const study::Extent& e : kernel.shape) {
    shape.push_back({{"name", e.name}, {"default", e.fallback}});
  }
  json settings = json::object();
  for (const OpSetting& s : kernel.settings) settings[s.name] = s.fallback;
  return {{"name", kernel.name}, {"operation", kernel.summary}, {"types", types},
          {"shape", shape},      {"settings", settings},        {"rungs", rungs}};
}

json to_json(const KernelResult& r, const Card& card) {
  json errors = json::array();
  for (const OutputError& e : r.errors) {
    errors.push_back({{"array", e.name}, {"absolute", e.largest}, {"relative", e.relative}});
  }
  json shape = json::object();
  for (std::size_t i = 0; i < r.shape.size(); ++i) shape[r.kernel->shape[i].name] = r.shape[i];
  json j = {{"kernel", r.kernel->name},
            {"rung", r.rung->number},
            {"name", r.rung->name},
            {"file", r.rung->file},
            {"type", name_of(r.stored)},
            {"shape", shape},
            {"right", r.right},
            {"errors", errors},
            {"flops", r.flops},
            {"bytes", r.bytes},
            {"time_us", r.milliseconds ? json(*r.milliseconds * 1e3) : json()}};
#ifdef TINCT_STUDY_CHECKED
  j["counts"] = counts_json(r);
  j["model"] = bound_json(bound(card, work_of(r)), card);
#else
  static_cast<void>(card);
  j["counts"] = json();
  j["no_counts_because"] = no_counts_because();
#endif
  return j;
}

}  // namespace tinct
