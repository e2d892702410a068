// Finding pictures in folders, and the lists that say which of them are for validation.
#pragma once

#include <string>
#include <vector>

namespace tinct {

/// A file that may be a picture.
struct FoundPicture {
  std::string path;    ///< to open it
  std::string name;    ///< unique and printable (UTF-8): the path below its SOURCE, which leads
                       ///< it when there are several
  std::string source;  ///< the folder directly below SOURCE, or SOURCE's own name
  std::string below;   ///< the path below SOURCE, as the file system has it
};

struct FoundPictures {
  std::vector<FoundPicture> pictures;   ///< sorted by name
  std::vector<std::string> unreadable;  ///< folders that could not be listed, with the reason
  std::size_t others = 0;               ///< files whose extension is no picture's
};

/// Walks the folders (links to folders are not followed, a file found twice is taken once); a
/// source may also be a single file. Throws IoError for a source that does not exist.
FoundPictures find_pictures(const std::vector<std::string>& sources);

/// A list of pictures: a line each, blank lines and lines that begin with # apart. A line names a
/// picture, or a folder and so all below it, by the path below SOURCE, by name, or by path.
class PictureList {
 public:
  /// Throws IoError.
  explicit PictureList(const std::string& file);
  bool contains(const FoundPicture& picture) const;

 private:
  std::vector<std::string> lines_;  // sorted
};

}  // namespace tinct
