// Writing checkpoints (temporary folder, sync, rename), finding the newest whole one.
#include "train/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace tinct {

std::function<void(const char*)> checkpoint_probe;

namespace {

constexpr const char* kManifest = "MANIFEST.json";
constexpr const char* kFormat = "tinct checkpoint 1";

void probe(const char* operation) {
  if (checkpoint_probe) checkpoint_probe(operation);
}

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw IoError(what + " " + path + ": " + std::strerror(errno));
}

std::string folder_name(long step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08ld", step);
  return name;
}

// The step of a checkpoint's folder name, or -1.
long step_of(const std::string& name) {
  if (!name.starts_with("step-") || name.size() < 6) return -1;
  char* end = nullptr;
  const long step = std::strtol(name.c_str() + 5, &end, 10);
  return *end == '\0' ? step : -1;
}

void check_room(const std::string& folder, const std::vector<CheckpointFile>& files) {
  struct statvfs info;
  if (statvfs(folder.c_str(), &info) != 0) return;
  std::uint64_t needed = 0;
  for (const CheckpointFile& file : files) needed += file.bytes + file.bytes / 10;
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free < needed) {
    throw IoError(folder + ": " + std::to_string(needed >> 20) + " MiB needed for a checkpoint, " +
                  std::to_string(free >> 20) + " MiB free");
  }
}

// Out of sight in one step, then gone.
void discard(const fs::path& path) {
  const fs::path trash = path.parent_path() / (".trash-" + path.filename().string());
  std::error_code ignored;
  fs::remove_all(trash, ignored);
  probe("discard");
  fs::rename(path, trash, ignored);
  probe("remove");
  fs::remove_all(ignored ? path : trash, ignored);
}

void point_last_to(const fs::path& folder, const std::string& name) {
  const fs::path temporary = folder / ".tmp-last";
  std::error_code ignored;
  fs::remove(temporary, ignored);
  probe("symlink");
  if (symlink(name.c_str(), temporary.c_str()) != 0) fail("cannot link", temporary);
  probe("rename last");
  if (rename(temporary.c_str(), (folder / "last").c_str()) != 0) fail("cannot rename", temporary);
}

std::vector<std::pair<long, fs::path>> checkpoints(const std::string& folder) {
  std::vector<std::pair<long, fs::path>> found;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error) throw IoError("cannot read " + folder + ": " + error.message());
  for (const fs::directory_entry& entry : it) {
    const long step = step_of(entry.path().filename().string());
    if (step >= 0) found.emplace_back(step, entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

// Empty when every file is as the manifest says.
std::string damage(const fs::path& path, long step) {
  try {
    const auto manifest =
        nlohmann::json::parse(read_file((path / kManifest).string(), 1 << 20), nullptr, false);
    if (!manifest.is_object() || manifest.value("format", "") != kFormat) {
      return std::string(kManifest) + " is damaged";
    }
    if (manifest.at("step").get<long>() != step) return "its manifest is of another step";
    for (const auto& [name, about] : manifest.at("files").items()) {
      const std::string bytes = read_file((path / name).string());
      if (bytes.size() != about.at("bytes").get<std::uint64_t>() ||
          hex(hash64(bytes.data(), bytes.size())) != about.at("xxh64").get<std::string>()) {
        return name + " is damaged";
      }
    }
  } catch (const IoError& e) {
    return e.what();
  } catch (const nlohmann::json::exception&) {
    return std::string(kManifest) + " is damaged";
  }
  return "";
}

void write_all(const fs::path& folder, long step, const std::vector<CheckpointFile>& files) {
  nlohmann::json manifest = {{"format", kFormat}, {"step", step}};
  for (const CheckpointFile& file : files) {
    probe("write");
    const std::string path = (folder / file.name).string();
    file.write(path);
    const std::string bytes = read_file(path);
    manifest["files"][file.name] = {{"bytes", bytes.size()},
                                    {"xxh64", hex(hash64(bytes.data(), bytes.size()))}};
  }
  probe("manifest");
  write_file_atomically((folder / kManifest).string(), manifest.dump(1) + "\n");
  probe("sync");
  sync_folder(folder.string());
}

}  // namespace

void save_checkpoint(const std::string& folder, long step, const std::vector<CheckpointFile>& files,
                     long keep) {
  const fs::path root = folder;
  const std::string name = folder_name(step);
  const fs::path temporary = root / (".tmp-" + name + "-" + std::to_string(getpid()));
  check_room(folder, files);
  probe("mkdir");
  if (mkdir(temporary.c_str(), 0777) != 0) fail("cannot make", temporary.string());
  try {
    write_all(temporary, step, files);
    if (fs::exists(root / name)) discard(root / name);
    probe("rename");
    if (rename(temporary.c_str(), (root / name).c_str()) != 0) fail("cannot rename", temporary);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  probe("sync folder");
  sync_folder(folder);
  point_last_to(root, name);
  sync_folder(folder);
  long kept = 0;
  for (const auto& [other, path] : checkpoints(folder)) {
    if (other <= step && kept++ >= keep) discard(path);
  }
}

CheckpointSearch find_checkpoint(const std::string& folder) {
  CheckpointSearch search;
  if (!fs::exists(folder)) return search;
  for (const auto& [step, path] : checkpoints(folder)) {
    const std::string reason = damage(path, step);
    if (reason.empty()) {
      search.newest = Checkpoint{path.string(), step};
      break;
    }
    search.damaged.push_back(path.string() + ": " + reason);
  }
  return search;
}

void clean_checkpoints(const std::string& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".tmp-") || name.starts_with(".trash-")) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace tinct
