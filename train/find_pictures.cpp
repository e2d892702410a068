// Walking folders for pictures.
#include "train/find_pictures.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/error.h"
#include "core/file.h"
#include "train/image.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

// Bytes that are no UTF-8 become U+FFFD, so that a name can stand in JSON.
std::string printable(const std::string& text) {
  using nlohmann::json;
  const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(quoted).get<std::string>();
}

std::string own_name(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return (full.has_filename() ? full.filename() : full.parent_path().filename()).string();
}

class Walk {
 public:
  Walk(FoundPictures& found, bool several) : found_(found), several_(several) {}

  void source(const std::string& source) {
    const fs::path root(source);
    std::error_code error;
    const fs::file_status status = fs::status(root, error);
    if (!fs::exists(status)) throw IoError(source + ": no such file or folder");
    if (fs::is_directory(status)) {
      root_name_ = own_name(root);
      folder(root, "");
    } else {
      root_name_ = own_name(fs::absolute(root).parent_path());
      take(root, root.filename());
    }
  }

 private:
  void folder(const fs::path& path, const fs::path& below) {
    std::error_code error;
    fs::directory_iterator entries(path, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      const fs::path name = entries->path().filename();
      std::error_code ignored;
      if (entries->is_directory(ignored) && !entries->is_symlink(ignored)) {
        folder(entries->path(), below / name);
      } else if (!has_image_extension(name.string())) {
        ++found_.others;
      } else if (!entries->is_directory(ignored)) {
        take(entries->path(), below / name);
      }
    }
    if (error) found_.unreadable.push_back(path.string() + ": " + error.message());
  }

  void take(const fs::path& path, const fs::path& below) {
    std::error_code error;
    const fs::path canonical = fs::canonical(path, error);
    if (!seen_.insert(error ? path.string() : canonical.string()).second) return;
    FoundPicture picture;
    picture.path = path.string();
    picture.below = below.string();
    const bool nested = std::next(below.begin()) != below.end();
    picture.source = printable(nested ? below.begin()->string() : root_name_.string());
    const std::string name = printable((several_ ? root_name_ / below : below).string());
    picture.name = name;
    for (int copy = 2; !names_.insert(picture.name).second; ++copy) {
      picture.name = name + " (" + std::to_string(copy) + ")";
    }
    found_.pictures.push_back(std::move(picture));
  }

  FoundPictures& found_;
  const bool several_;
  fs::path root_name_;
  std::unordered_set<std::string> seen_, names_;
};

std::string normal(const std::string& path) {
  std::string text = fs::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

FoundPictures find_pictures(const std::vector<std::string>& sources) {
  FoundPictures found;
  Walk walk(found, sources.size() > 1);
  for (const std::string& source : sources) walk.source(source);
  std::sort(found.pictures.begin(), found.pictures.end(),
            [](const FoundPicture& a, const FoundPicture& b) { return a.name < b.name; });
  return found;
}

PictureList::PictureList(const std::string& file) {
  const std::string text = read_file(file);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line[0] != '#') lines_.push_back(normal(line));
    begin = end + 1;
  }
  std::sort(lines_.begin(), lines_.end());
}

bool PictureList::contains(const FoundPicture& picture) const {
  // The path itself, then every folder above it.
  const auto listed = [&](std::string path) {
    for (;;) {
      if (std::binary_search(lines_.begin(), lines_.end(), path)) return true;
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos || slash == 0) return false;
      path.resize(slash);
    }
  };
  return listed(normal(picture.below)) || listed(normal(picture.name)) ||
         listed(normal(picture.path));
}

}  // namespace tinct
