// Kernels, their runs and their bounds as text.
#include "tools/kernels_print.h"

#include <cstdio>

#include "core/simt/device.h"
#include "core/text.h"

namespace tinct {
namespace {

using study::Kernel;
using study::Rung;

std::string types_of(const Rung& rung) {
  std::vector<std::string> names;
  for (const study::Stored stored : rung.types) names.emplace_back(name_of(stored));
  return join(names, ",");
}

// "n=1,h=16,w=16"
std::string shape_text(const KernelResult& r) {
  std::string text;
  for (std::size_t i = 0; i < r.shape.size(); ++i) {
    text += (i > 0 ? "," : "") + r.kernel->shape[i].name + "=" + std::to_string(r.shape[i]);
  }
  return text;
}

#ifdef TINCT_STUDY_CHECKED

std::string times(double taken, double ideal) {
  if (ideal == 0) return "";
  char text[32];
  std::snprintf(text, sizeof text, " (x%.2f)", taken / ideal);
  return text;
}

unsigned long long whole(std::uint64_t n) {
  return n;
}

using simt::Access;
using simt::LineCount;
using simt::Space;

void print_global(const char* label, const LineCount& c) {
  if (c.requests == 0) {
    std::printf("  %-15s none\n", label);
    return;
  }
  std::printf("  %-15s %llu requests, %llu sectors of %llu%s\n", label, whole(c.requests),
              whole(c.sectors), whole(c.ideal_sectors),
              times(static_cast<double>(c.sectors), static_cast<double>(c.ideal_sectors)).c_str());
}

void print_shared(const char* label, const LineCount& c) {
  if (c.requests == 0) {
    std::printf("  %-15s none\n", label);
    return;
  }
  std::printf("  %-15s %llu requests, %llu waves of %llu%s\n", label, whole(c.requests),
              whole(c.waves), whole(c.ideal_waves),
              times(static_cast<double>(c.waves), static_cast<double>(c.ideal_waves)).c_str());
}

void print_atomics(const KernelResult& r) {
  const LineCount global = r.counts->report.total(Space::global, Access::atomic);
  const LineCount shared = r.counts->report.total(Space::shared, Access::atomic);
  if (global.requests + shared.requests == 0) {
    std::printf("  %-15s none\n", "atomics");
    return;
  }
  std::printf("  %-15s %llu lanes, %llu of them behind another of their request\n", "atomics",
              whole(global.lanes + shared.lanes), whole(global.collisions + shared.collisions));
}

void print_arithmetic(const KernelResult& r) {
  const simt::Report& report = r.counts->report;
  if (!report.flops_counted) {
    std::printf("  %-15s not counted: that takes an x86-64 processor and objdump\n", "arithmetic");
    return;
  }
  const simt::FlopCount sum = report.total_flops();
  std::printf("  %-15s %llu FLOP counted%s", "arithmetic", whole(sum.flops),
              report.tensor_ops > 0 ? " beside the tensor cores'"
                                    : times(static_cast<double>(sum.flops), r.flops).c_str());
  if (sum.special > 0) std::printf(", %llu calls of expf and its kin", whole(sum.special));
  std::printf("\n");
}

std::string triple(const std::array<unsigned, 3>& a) {
  std::string text = std::to_string(a[0]);
  if (a[1] > 1 || a[2] > 1) text += "x" + std::to_string(a[1]);
  if (a[2] > 1) text += "x" + std::to_string(a[2]);
  return text;
}

void print_launches(const KernelResult& r, const Card& card) {
  const Work work = work_of(r);
  for (std::size_t i = 0; i < work.launches.size(); ++i) {
    const simt::LaunchCount& l = r.counts->report.kernels[i];
    std::printf("  %-15s %s%s: %s blocks of %s threads\n", i == 0 ? "launches" : "",
                short_kernel_name(l.kernel).c_str(),
                l.launches > 1 ? (", " + std::to_string(l.launches) + " times").c_str() : "",
                triple(l.grid).c_str(), triple(l.block).c_str());
    const PtxasRow* row = r.counts->resources[i];
    if (row == nullptr) {
      std::printf("  %-15s registers and spills unknown: not in the table of ptxas\n", "");
      continue;
    }
    const Occupancy fits = occupancy(card, work.launches[i]);
    std::printf("  %-15s %d registers, %d bytes spilled, %zu bytes shared (%s): %d of %d warps\n",
                "", row->registers, row->spill_stores + row->spill_loads,
                work.launches[i].shared_bytes, ptxas_architecture().c_str(), fits.warps,
                card.warps);
  }
}

void print_counts(const KernelResult& r, const Card& card) {
  for (const simt::Finding& finding : r.counts->report.findings) {
    std::printf("  %-15s %s\n", "FAULT", to_string(finding).c_str());
  }
  print_arithmetic(r);
  print_global("reads", r.counts->report.total(Space::global, Access::read));
  print_global("writes", r.counts->report.total(Space::global, Access::write));
  print_shared("shared reads", r.counts->report.total(Space::shared, Access::read));
  print_shared("shared writes", r.counts->report.total(Space::shared, Access::write));
  print_atomics(r);
  if (r.counts->report.tensor_ops > 0) {
    std::printf("  %-15s %llu mma.sync\n", "tensor cores", whole(r.counts->report.tensor_ops));
  } else {
    std::printf("  %-15s none\n", "tensor cores");
  }
  print_launches(r, card);
}

void print_bound(const Bound& b, const Card& card) {
  std::printf("model, not a measurement: %s needs at least %s, bound by %s\n", card.title.c_str(),
              with_prefix(b.seconds(), "s").c_str(),
              b.parts.empty() ? "nothing" : name_of(b.parts.front().resource));
  for (const Bound::Part& part : b.parts) {
    std::printf("  %-15s %8s  %s\n", name_of(part.resource), with_prefix(part.seconds, "s").c_str(),
                part.why.c_str());
  }
}

#endif

}  // namespace

std::string title(const Kernel& kernel, const Rung& rung) {
  return kernel.name + "/" + std::to_string(rung.number);
}

void print(const Kernel& kernel, bool with_settings) {
  std::printf("%s: %s\n", kernel.name.c_str(), kernel.summary.c_str());
  for (const Rung& rung : kernel.rungs) {
    std::printf("  %d %-19s %-9s %-39s %s\n", rung.number, rung.name.c_str(),
                types_of(rung).c_str(), rung.file.c_str(), rung.idea.c_str());
  }
  if (!with_settings) return;
  std::string names, fallbacks;
  for (const study::Extent& e : kernel.shape) {
    names += (names.empty() ? "" : ",") + e.name;
    fallbacks += (fallbacks.empty() ? "" : ",") + std::to_string(e.fallback);
  }
  std::printf("  --shape %s (%s)\n", names.c_str(), fallbacks.c_str());
  for (const OpSetting& s : kernel.settings) {
    std::printf("  --set %s=%s%s%s\n", s.name.c_str(), s.fallback.c_str(),
                s.choices.empty() && s.help.empty() ? "" : "  ",
                (s.choices.empty() ? s.help : join(s.choices, "|")).c_str());
  }
}

void print(const KernelResult& r, const Card& card) {
  std::printf("%s %s, %s, %s\n", title(*r.kernel, *r.rung).c_str(), r.rung->name.c_str(),
              name_of(r.stored), shape_text(r).c_str());
  std::printf("  %-15s %s\n", "idea", r.rung->idea.c_str());
  for (const OutputError& e : r.errors) {
    std::printf("  %-15s off by %.2g at most, %.2g of the largest\n", e.name.c_str(), e.largest,
                e.relative);
  }
  std::printf("  %-15s %s\n", "result", r.right ? "right" : "WRONG");
  std::printf("  %-15s %s, %s: %.3g FLOP a byte\n", "work", with_prefix(r.flops, "FLOP").c_str(),
              with_prefix(r.bytes, "B").c_str(), r.flops / r.bytes);
#ifdef TINCT_STUDY_CHECKED
  print_counts(r, card);
#else
  static_cast<void>(card);
  std::printf("  %-15s none: %s\n", "counts", no_counts_because().c_str());
#endif
  if (r.milliseconds) {
    std::printf("  %-15s %.4g us, the median of 21 on %s\n", "time", *r.milliseconds * 1e3,
                device::info().name.c_str());
  } else {
    std::printf("  %-15s not measured: the simulator has no card's clock\n", "time");
  }
#ifdef TINCT_STUDY_CHECKED
  print_bound(bound(card, work_of(r)), card);
#endif
}

void print_lines(const KernelResult& r) {
#ifdef TINCT_STUDY_CHECKED
  std::printf("%-44s %-14s %10s %10s %10s\n", "line", "", "requests", "sectors|waves", "ideal");
  for (const LineCount& c : r.counts->report.lines) {
    const bool global = c.space == Space::global;
    constexpr const char* kAccess[] = {"reads", "writes", "atomics"};
    std::printf(
        "%-44s %-14s %10llu %10llu %10llu\n", c.where.c_str(),
        (std::string(global ? "" : "shared ") + kAccess[static_cast<int>(c.access)]).c_str(),
        whole(c.requests), whole(global ? c.sectors : c.waves),
        whole(global ? c.ideal_sectors : c.ideal_waves));
  }
  if (!r.counts->report.flops_counted) return;
  std::printf("%-44s %-14s %10s %10s\n", "line", "", "FLOP", "special");
  for (const simt::FlopCount& c : r.counts->report.flops) {
    std::printf("%-44s %-14s %10llu %10llu\n", c.where.c_str(), "arithmetic", whole(c.flops),
                whole(c.special));
  }
#else
  static_cast<void>(r);
#endif
}

}  // namespace tinct
