// Progress on stderr: a bar with the time left on a terminal, a plain line every few seconds
// elsewhere, nothing with --quiet or --json.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

#include "core/text.h"

namespace tinct {

/// "1:05", "2:03:04"
std::string format_duration(double seconds);

/// One task's progress. Nothing shows before it has run for a while, so that quick work is silent.
/// Safe to call from several threads.
class Progress {
 public:
  /// `what` names the task ("preparing"), `unit` what is counted ("pictures").
  Progress(std::string what, std::size_t total, std::string unit = "");
  /// Finishes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::size_t count = 1);
  /// To resume a task that is partly done: what was done before counts for no speed.
  void start_at(std::size_t done);
  /// Shown behind the figures: "loss 0.012".
  void note(std::string text);

  /// Wipes a bar that stands on the terminal's last line, before something else is written there.
  static void clear_line();

 private:
  void show(bool last);
  std::string figures(double seconds) const;

  std::string what_;
  std::string unit_;
  std::string note_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::size_t before_ = 0;
  bool enabled_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
  std::mutex mutex_;
};

}  // namespace tinct
