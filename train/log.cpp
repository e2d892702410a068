// The step log: writing lines that are never torn, dropping those after a checkpoint.
#include "train/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

namespace tinct {
namespace {

// The step of a log line, or -1 for what is none.
long step_of_json(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return -1;
  return json["step"].get<long>();
}

long step_of_csv(const std::string& line) {
  char* end = nullptr;
  const long step = std::strtol(line.c_str(), &end, 10);
  return end != line.c_str() && *end == ',' ? step : -1;
}

// Rewrites the file without the lines that `keep` refuses. The last line is torn when it has no
// newline: the process was killed while writing it.
template <class Keep>
std::string filtered(const std::string& path, const Keep& keep) {
  if (!std::filesystem::exists(path)) return path;
  const std::string text = read_file(path);
  std::string kept;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    if (keep(line)) kept += line + '\n';
  }
  if (kept != text) write_file_atomically(path, kept);
  return path;
}

std::string csv_header(const std::vector<std::string>& columns) {
  std::string header = "step";
  for (const std::string& column : columns) header += "," + column;
  return header;
}

}  // namespace

std::string to_json(const LogEntry& entry) {
  std::string line = "{\"step\":" + std::to_string(entry.step);
  nlohmann::json nonfinite = nlohmann::json::array();
  for (const auto& [key, value] : entry.numbers) {
    const bool finite = std::isfinite(value);
    if (!finite) nonfinite.push_back(key);
    line += "," + nlohmann::json(key).dump() + ":" + (finite ? printed("%.9g", value) : "null");
  }
  if (!nonfinite.empty()) line += ",\"nonfinite\":" + nonfinite.dump();
  if (!entry.warnings.empty()) line += ",\"warnings\":" + nlohmann::json(entry.warnings).dump();
  return line + "}";
}

LineFile::LineFile(std::string path) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw IoError("cannot write " + path_ + ": " + std::strerror(errno));
}

LineFile::~LineFile() {
  close(fd_);
}

bool LineFile::append(const std::string& line) {
  pending_ += line + '\n';
  while (!pending_.empty()) {
    const ssize_t done = write(fd_, pending_.data(), pending_.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    pending_.erase(0, static_cast<std::size_t>(done));
  }
  return true;
}

void LineFile::sync() {
  fdatasync(fd_);
}

RunLog::RunLog(const std::string& folder, long last_step, std::vector<std::string> columns)
    : columns_(std::move(columns)),
      json_(filtered(folder + "/log.jsonl",
                     [&](const std::string& line) {
                       const long step = step_of_json(line);
                       return step >= 0 && step <= last_step;
                     })),
      csv_(filtered(folder + "/log.csv", [&](const std::string& line) {
        const long step = step_of_csv(line);
        return line == csv_header(columns_) || (step >= 0 && step <= last_step);
      })) {
  if (std::filesystem::file_size(folder + "/log.csv") == 0) csv_.append(csv_header(columns_));
}

bool RunLog::append(const LogEntry& entry) {
  std::string row = std::to_string(entry.step);
  for (const std::string& column : columns_) {
    row += ',';
    for (const auto& [key, value] : entry.numbers) {
      if (key == column && std::isfinite(value)) row += printed("%.9g", value);
    }
  }
  const bool json = json_.append(to_json(entry));
  return csv_.append(row) && json;
}

void RunLog::sync() {
  json_.sync();
  csv_.sync();
}

std::vector<std::pair<long, double>> read_log(const std::string& path, const std::string& key) {
  std::vector<std::pair<long, double>> points;
  if (!std::filesystem::exists(path)) return points;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json.contains(key)) continue;
    if (json[key].is_number()) points.emplace_back(json["step"].get<long>(), json[key]);
  }
  return points;
}

}  // namespace tinct
