// What became of each picture of a `tinct colorize`, and how the program tells it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/colorize_plan.h"
#include "tools/exit_code.h"

namespace tinct {

enum class ColorizeStatus { waiting, done, skipped, failed };

/// Of one picture.
struct ColorizeOutcome {
  ColorizeStatus status = ColorizeStatus::waiting;
  std::size_t width = 0, height = 0;
  double ms = 0;  ///< prediction and painting
  std::vector<std::string> notes;
  std::string error;
  ExitCode code = ExitCode::ok;
};

/// Prints what was done to stdout, as JSON with --json, and the pictures' notes to stderr.
void report_colorize(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes,
                     double seconds);

/// Names what failed, on stderr even with --quiet, and throws Exit with the failures' code; returns
/// when nothing did.
void end_with_failures(const ColorizePlan& plan, const std::vector<ColorizeOutcome>& outcomes);

}  // namespace tinct
