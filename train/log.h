// A run's log: JSON lines, one object a step, and the same numbers as CSV.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tinct {

/// What is recorded of one step, in this order. Numbers that are not finite are written as null,
/// and named under "nonfinite".
struct LogEntry {
  long step = 0;
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::string> warnings;
};

/// One line of JSON, without the newline: {"step":7,"loss":0.5,...}.
std::string to_json(const LogEntry& entry);

/// Appends whole lines to a file. What a full disk refuses is kept and written with the next line,
/// so that no line is lost or torn while the process lives.
class LineFile {
 public:
  /// Opens or creates the file. Throws IoError.
  explicit LineFile(std::string path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// Whether everything so far is in the file.
  bool append(const std::string& line);
  void sync();

 private:
  std::string path_;
  int fd_ = -1;
  std::string pending_;
};

/// RUN/log.jsonl and RUN/log.csv.
class RunLog {
 public:
  /// Opens both in `folder`; entries of steps after `last_step` and torn lines are dropped first.
  /// `columns`: of the CSV, after "step". Throws IoError.
  RunLog(const std::string& folder, long last_step, std::vector<std::string> columns);
  bool append(const LogEntry& entry);
  void sync();

 private:
  std::vector<std::string> columns_;
  LineFile json_;
  LineFile csv_;
};

/// The (step, value) pairs of one key of a log.jsonl, skipping nulls and torn lines; empty when
/// there is no such file.
std::vector<std::pair<long, double>> read_log(const std::string& path, const std::string& key);

}  // namespace tinct
