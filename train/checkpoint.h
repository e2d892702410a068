// Checkpoints that are never half there.
//
// CHECKPOINTS/step-00001200/ holds files and MANIFEST.json, which names them with size and hash and
// is written last. Everything is written into a temporary folder, synced, and renamed: a kill at
// any moment leaves the old checkpoints or the old and the new. `last` is a symbolic link.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tinct {

/// One file of a checkpoint.
struct CheckpointFile {
  std::string name;
  std::uint64_t bytes = 0;                             ///< about, to see whether there is room
  std::function<void(const std::string& path)> write;  ///< throws IoError
};

/// Writes the checkpoint of `step` and then removes all but the `keep` newest. Throws IoError (also
/// when there is too little room: asked before anything is written); then the folder is as before.
void save_checkpoint(const std::string& folder, long step, const std::vector<CheckpointFile>& files,
                     long keep);

/// A checkpoint whose files have the sizes and hashes of its manifest.
struct Checkpoint {
  std::string path;
  long step = 0;
};

struct CheckpointSearch {
  std::optional<Checkpoint> newest;  ///< the newest whole one
  std::vector<std::string> damaged;  ///< newer ones that are not: path and reason
};
/// Looks for the newest whole checkpoint; an absent folder holds none. Throws IoError when the
/// folder cannot be read.
CheckpointSearch find_checkpoint(const std::string& folder);

/// Removes what a killed process may have left behind.
void clean_checkpoints(const std::string& folder);

/// Called with the name of each operation just before save_checkpoint performs it, unless empty:
/// lets tests fail or kill it there.
extern std::function<void(const char* operation)> checkpoint_probe;

}  // namespace tinct
