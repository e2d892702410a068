// The configurations that come with tinct, one a preset.
#pragma once

#include <string>

namespace tinct {

/// The text and the path of PRESET.toml in the first of $TINCT_CONFIGS, ../share/tinct/configs
/// beside the program, and the source tree's configs/ that has it; both empty when none has.
struct PresetConfig {
  std::string path;
  std::string text;
};
PresetConfig find_preset_config(const std::string& preset);

}  // namespace tinct
