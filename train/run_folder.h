// The folder of a training run: who may write it, and what is in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint.h"

namespace tinct {

/// The file of a run's frozen layers' answers (train/feature_cache.h), where it lies in its folder.
inline constexpr const char* kCacheName = "frozen.cache";

enum class RunMode {
  fresh,     ///< the folder must be absent or empty
  resume,    ///< go on from the newest checkpoint, or start where there is none
  overwrite  ///< what an earlier run left there is removed
};

/// An open run: locked against other processes while it lives.
class RunFolder {
 public:
  /// Makes the folder where it is absent and locks it. Throws std::invalid_argument when it holds
  /// something and the mode is fresh, IoError when it cannot be written or another process trains
  /// in it, WeightsError when it is to be resumed and none of its checkpoints is whole.
  RunFolder(const std::string& path, RunMode mode);
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string checkpoints() const { return file("checkpoints"); }
  /// What the run goes on from.
  const std::optional<Checkpoint>& start() const { return start_; }
  /// Checkpoints that were newer and damaged.
  const std::vector<std::string>& damaged() const { return damaged_; }

 private:
  void lock();

  struct Lock {
    int fd = -1;
    Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();
  };

  std::string path_;
  Lock lock_;
  std::optional<Checkpoint> start_;
  std::vector<std::string> damaged_;
};

}  // namespace tinct
