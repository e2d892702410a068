// The progress bar.
#include "tools/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tools/verb.h"

namespace tinct {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds before the first figure, and between two, on a terminal and elsewhere.
constexpr double terminal_first = 0.5;
constexpr double terminal_every = 0.1;
constexpr double plain_first = 2.0;
constexpr double plain_every = 5.0;

std::atomic<bool> bar_stands{false};

// A bar is redrawn in place only where the terminal can: NO_COLOR and TERM=dumb ask for plain text.
bool plain_wanted() {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color != nullptr && *no_color != '\0') || term == nullptr ||
         std::strcmp(term, "dumb") == 0;
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds < 360000.0)) return "--:--";
  const long s = std::lround(std::max(0.0, seconds));
  char text[32];
  if (s >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  }
  return text;
}

Progress::Progress(std::string what, std::size_t total, std::string unit)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(!common().quiet && !common().json),
      terminal_(isatty(STDERR_FILENO) != 0 && !plain_wanted()),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (shown_) show(true);
}

void Progress::advance(std::size_t count) {
  std::lock_guard lock(mutex_);
  done_ += count;
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  const double first = terminal_ ? terminal_first : plain_first;
  const double every = terminal_ ? terminal_every : plain_every;
  if (seconds_between(shown_ ? last_ : start_, now) < (shown_ ? every : first)) return;
  last_ = now;
  show(false);
  shown_ = true;
}

void Progress::start_at(std::size_t done) {
  std::lock_guard lock(mutex_);
  done_ = before_ = done;
}

void Progress::note(std::string text) {
  std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

void Progress::clear_line() {
  if (bar_stands.exchange(false)) std::fputs("\r\033[K", stderr);
}

std::string Progress::figures(double seconds) const {
  const double rate = seconds > 0 ? static_cast<double>(done_ - before_) / seconds : 0;
  const double left =
      rate > 0 ? static_cast<double>(total_ - std::min(total_, done_)) / rate : INFINITY;
  char text[160];
  std::snprintf(text, sizeof text, " %zu/%zu%s%s  %.*f/s  ETA %s", done_, total_,
                unit_.empty() ? "" : " ", unit_.c_str(), rate < 10 ? 2 : 0, rate,
                format_duration(left).c_str());
  return text + (note_.empty() ? "" : "  " + note_);
}

void Progress::show(bool last) {
  const double seconds = seconds_between(start_, Clock::now());
  const std::string tail = figures(seconds);
  if (!terminal_) {
    std::fprintf(stderr, "%s%s\n", what_.c_str(), tail.c_str());
    return;
  }
  const std::size_t width = terminal_width();
  const std::size_t taken = what_.size() + tail.size() + 4;
  const std::size_t room = width > taken + 10 ? std::min<std::size_t>(30, width - taken) : 0;
  std::string line = what_;
  if (room > 0) {
    const double part = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 0.0;
    const auto full = static_cast<std::size_t>(std::min(1.0, part) * static_cast<double>(room));
    line += " [" + std::string(full, '#') + std::string(room - full, '.') + "]";
  }
  line += tail;
  if (line.size() >= width) line.resize(width - 1);
  std::fprintf(stderr, "\r\033[K%s%s", line.c_str(), last ? "\n" : "");
  std::fflush(stderr);
  bar_stands.store(!last);
}

}  // namespace tinct
