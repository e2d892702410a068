// What `tinct colorize` is to do: which pictures, and where each result goes.
#pragma once

#include <string>
#include <vector>

namespace tinct {

/// One picture of a run.
struct ColorizeJob {
  std::string input;
  std::string output;
  std::string uncertainty;  ///< where its map goes (PNG), or empty
  bool jpeg = false;        ///< what the output is encoded as; otherwise PNG
  bool up_to_date = false;  ///< the output exists and is newer than the input, and so is the map
  std::string problem;      ///< why it cannot be done, or empty
};

struct ColorizePlan {
  std::vector<ColorizeJob> jobs;
  std::vector<std::string> unreadable;  ///< folders that could not be listed, with the reason
};

/// `inputs` are files, folders (walked) and patterns of glob(7). `output` is the result's file when
/// there is one input file and it ends in .png, .jpg or .jpeg, else a folder, which need not exist;
/// empty: beside each input file, "photo.jpg" to "photo-colour.jpg". Names are kept; a format other
/// than JPEG and PNG becomes PNG, and `format` ("png", "jpeg" or empty) overrules. `uncertainty`
/// names the map's file when there is one input file and it ends in .png, else a folder, where maps
/// are named like the results that `output` would get as a folder, ending in .png; empty: no maps.
/// `force` redoes what is up to date. Throws IoError for an input that does not exist, DataError
/// when there is no picture, Exit (usage) for an impossible output.
ColorizePlan plan_colorize(const std::vector<std::string>& inputs, const std::string& output,
                           const std::string& format, bool force,
                           const std::string& uncertainty = "");

}  // namespace tinct
