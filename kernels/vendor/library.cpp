// Where shared libraries of a vendor are looked for.
#include "kernels/vendor/library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace tinct::vendor {
namespace {

namespace fs = std::filesystem;

std::string setting() {
  const char* folders = std::getenv("TINCT_CUDA_LIBRARIES");
  return folders == nullptr ? "" : folders;
}

// nvidia/*/lib of a folder, in the order of their names.
std::vector<fs::path> packages_of(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder / "nvidia", none)) {
    if (fs::is_directory(entry.path() / "lib", none)) found.push_back(entry.path() / "lib");
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> folders() {
  std::vector<fs::path> all;
  std::istringstream list(setting());
  for (std::string folder; std::getline(list, folder, ':');) {
    if (folder.empty()) continue;
    all.emplace_back(folder);
    const std::vector<fs::path> packages = packages_of(folder);
    all.insert(all.end(), packages.begin(), packages.end());
  }
  return all;
}

// Null, and why not in `error`.
void* open(const std::string& name, std::string& error) {
  constexpr int kFlags = RTLD_NOW | RTLD_LOCAL;
  if (void* const handle = dlopen(name.c_str(), kFlags)) return handle;
  error = dlerror();
  for (const fs::path& folder : folders()) {
    std::error_code none;
    if (!fs::exists(folder / name, none)) continue;
    if (void* const handle = dlopen((folder / name).c_str(), kFlags)) return handle;
    error = dlerror();
  }
  return nullptr;
}

}  // namespace

Library::Library(std::string name, const std::vector<std::string>& companions)
    : name_(std::move(name)) {
  if (setting() == "none") {
    problem_ = name_ + " is not opened: TINCT_CUDA_LIBRARIES is none";
    return;
  }
  std::string error;
  for (const std::string& companion : companions) open(companion, error);
  handle_ = open(name_, error);
  if (handle_ == nullptr) problem_ = error + " (TINCT_CUDA_LIBRARIES names folders to look in)";
}

void* Library::find(const char* symbol) {
  if (handle_ == nullptr) return nullptr;
  void* const found = dlsym(handle_, symbol);
  if (found == nullptr && problem_.empty()) problem_ = name_ + " has no " + symbol;
  return found;
}

}  // namespace tinct::vendor
