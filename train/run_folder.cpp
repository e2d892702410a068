// Opening a run's folder: locking it, refusing to overwrite, finding where to go on.
#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "core/error.h"

namespace fs = std::filesystem;

namespace tinct {
namespace {

// Everything that a run writes; nothing else is ever removed.
bool is_ours(const std::string& name) {
  for (const char* own : {"config.toml", "log.jsonl", "log.csv", "loss.png", "last.safetensors",
                          "best.safetensors", "checkpoints", "samples", kCacheName}) {
    if (name == own) return true;
  }
  return name.starts_with("events.out.tfevents.");
}

void remove_earlier_run(const std::string& path) {
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (is_ours(entry.path().filename().string())) fs::remove_all(entry.path());
  }
}

bool holds_something(const std::string& path) {
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.path().filename() != ".lock") return true;
  }
  return false;
}

}  // namespace

RunFolder::RunFolder(const std::string& path, RunMode mode) : path_(path) {
  try {
    if (mode == RunMode::fresh && fs::exists(path) &&
        (!fs::is_directory(path) || holds_something(path))) {
      throw std::invalid_argument(path +
                                  " exists already; --resume goes on with it, --exist-ok "
                                  "starts over in it");
    }
    fs::create_directories(path);
    lock();
    if (mode == RunMode::resume) {
      CheckpointSearch search = find_checkpoint(checkpoints());
      start_ = search.newest;
      damaged_ = std::move(search.damaged);
      if (!start_ && !damaged_.empty()) {
        throw WeightsError("no checkpoint is whole: " + damaged_.front());
      }
    } else if (mode == RunMode::overwrite) {
      remove_earlier_run(path);
    }
    fs::create_directories(checkpoints());
    fs::create_directories(file("samples"));
    clean_checkpoints(checkpoints());
  } catch (const fs::filesystem_error& e) {
    throw IoError(std::string("cannot write ") + path + ": " + e.code().message());
  }
}

RunFolder::Lock::~Lock() {
  if (fd >= 0) close(fd);
}

void RunFolder::lock() {
  const std::string name = file(".lock");
  lock_.fd = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_.fd < 0) throw IoError("cannot write " + name + ": " + std::strerror(errno));
  if (flock(lock_.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw IoError(path_ + ": another process is training in it");
}

}  // namespace tinct
