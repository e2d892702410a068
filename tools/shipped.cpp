// Finding the models that come with tinct.
#include "tools/shipped.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/error.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> weight_folders() {
  std::vector<fs::path> folders;
  if (const char* chosen = std::getenv("TINCT_WEIGHTS")) folders.emplace_back(chosen);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    folders.push_back(program.parent_path().parent_path() / "share" / "tinct" / "weights");
  folders.emplace_back(fs::path(TINCT_SOURCE_DIR) / "weights");
  return folders;
}

}  // namespace

std::vector<std::string> shipped_models() {
  std::set<std::string> names;
  for (const fs::path& folder : weight_folders()) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".safetensors") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

std::string find_model(const std::string& name_or_path) {
  std::error_code error;
  if (fs::exists(name_or_path, error)) return name_or_path;
  if (name_or_path.find('/') == std::string::npos) {
    for (const fs::path& folder : weight_folders()) {
      const fs::path file = folder / (name_or_path + ".safetensors");
      if (fs::exists(file, error)) return file.string();
    }
  }
  std::string names;
  for (const std::string& name : shipped_models()) names += (names.empty() ? "" : ", ") + name;
  throw IoError("there is no weights file \"" + name_or_path +
                "\", and no shipped model of that name (there are: " +
                (names.empty() ? "none" : names) + ")");
}

}  // namespace tinct
