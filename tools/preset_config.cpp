// Finding a preset's configuration.
#include "tools/preset_config.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/file.h"

namespace tinct {

PresetConfig find_preset_config(const std::string& preset) {
  namespace fs = std::filesystem;
  if (preset.find('/') != std::string::npos) return {};
  std::vector<fs::path> folders;
  if (const char* chosen = std::getenv("TINCT_CONFIGS")) folders.emplace_back(chosen);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(program.parent_path().parent_path() / "share/tinct/configs");
  folders.emplace_back(fs::path(TINCT_SOURCE_DIR) / "configs");
  for (const fs::path& folder : folders) {
    const std::string path = (folder / (preset + ".toml")).string();
    if (fs::exists(path, error)) return {path, read_file(path, 1 << 20)};
  }
  return {};
}

}  // namespace tinct
