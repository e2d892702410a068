// The models that come with tinct, by name.
#pragma once

#include <string>
#include <vector>

namespace tinct {

/// What `tinct colorize` and `tinct eval` use when none is named.
inline constexpr const char* kDefaultModel = "vgg";

/// The weights file meant by --model: an existing file, or NAME for NAME.safetensors in the first
/// of $TINCT_WEIGHTS,
/// ../share/tinct/weights beside the program, and the source tree's weights/ that has it.
/// Throws IoError naming what was looked for and which shipped models there are.
std::string find_model(const std::string& name_or_path);

/// The names of the shipped models that can be found.
std::vector<std::string> shipped_models();

}  // namespace tinct
