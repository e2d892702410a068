// What `tinct colorize` reports.
#include "tools/colorize_report.h"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/progress.h"
#include "tools/verb.h"

namespace tinct {
namespace {

const char* name(ColorizeStatus status) {
  switch (status) {
    case ColorizeStatus::waiting:
      return "not reached";
    case ColorizeStatus::done:
      return "done";
    case ColorizeStatus::skipped:
      return "skipped";
    case ColorizeStatus::failed:
      return "failed";
  }
  return "";
}

struct Counts {
  std::size_t done = 0, skipped = 0, failed = 0;
};

Counts count(const std::vector<ColorizeOutcome>& outcomes) {
  Counts counts;
  for (const ColorizeOutcome& outcome : outcomes) {
    counts.done += outcome.status == ColorizeStatus::done;
    counts.skipped += outcome.status == ColorizeStatus::skipped;
    counts.failed += outcome.status == ColorizeStatus::failed;
  }
  return counts;
}

void print_json(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes,
                double seconds) {
  nlohmann::json pictures = nlohmann::json::array();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const ColorizeOutcome& outcome = outcomes[i];
    nlohmann::json one = {{"input", plan.jobs[i].input},
                          {"output", plan.jobs[i].output},
                          {"status", name(outcome.status)}};
    if (outcome.status == ColorizeStatus::done) {
      one["width"] = outcome.width, one["height"] = outcome.height, one["ms"] = outcome.ms;
      one["notes"] = outcome.notes;
      if (!plan.jobs[i].uncertainty.empty()) one["uncertainty"] = plan.jobs[i].uncertainty;
    }
    if (outcome.status == ColorizeStatus::failed) one["error"] = outcome.error;
    pictures.push_back(std::move(one));
  }
  const Counts counts = count(outcomes);
  const nlohmann::json json = {{"done", counts.done},     {"skipped", counts.skipped},
                               {"failed", counts.failed}, {"unreadable", plan.unreadable},
                               {"seconds", seconds},      {"pictures", std::move(pictures)}};
  std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_report(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes,
                  double seconds) {
  const Counts counts = count(outcomes);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    for (const std::string& note : outcomes[i].notes) say(plan.jobs[i].input + ": " + note);
  }
  if (outcomes.size() == 1 && counts.done + counts.skipped == 0) return;
  if (outcomes.size() == 1) {
    std::printf("%s%s\n", plan.jobs[0].output.c_str(), counts.skipped ? " (up to date)" : "");
    return;
  }
  std::printf("%zu coloured", counts.done);
  if (counts.skipped > 0) std::printf(", %zu up to date", counts.skipped);
  if (counts.failed > 0) std::printf(", %zu failed", counts.failed);
  std::printf(" in %s\n", format_duration(seconds).c_str());
}

}  // namespace

void report_colorize(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes,
                     double seconds) {
  if (common().json) {
    print_json(plan, outcomes, seconds);
  } else {
    print_report(plan, outcomes, seconds);
  }
  std::fflush(stdout);
}

void end_with_failures(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes) {
  std::set<ExitCode> codes;
  std::string only;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].status != ColorizeStatus::failed) continue;
    codes.insert(outcomes[i].code);
    only = outcomes[i].error;
    if (only.rfind(plan.jobs[i].input, 0) != 0) only.insert(0, plan.jobs[i].input + ": ");
    if (outcomes.size() > 1) std::fprintf(stderr, "failed: %s\n", only.c_str());
  }
  for (const std::string& folder : plan.unreadable) {
    codes.insert(ExitCode::io);
    std::fprintf(stderr, "failed: %s\n", folder.c_str());
  }
  if (codes.empty()) return;
  const ExitCode code = codes.size() == 1 ? *codes.begin() : ExitCode::data;
  const std::size_t failed = count(outcomes).failed;
  if (outcomes.size() == 1 && failed == 1) throw Exit(code, only);
  throw Exit(
      code, std::to_string(failed) + " of " + std::to_string(outcomes.size()) + " pictures failed");
}

}  // namespace tinct
