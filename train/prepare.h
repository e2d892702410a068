// From folders of photographs to a data set.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tinct {

struct PrepareOptions {
  std::vector<std::string> sources;  ///< folders, or single pictures
  std::string output;                ///< the data set's folder
  std::size_t size = 384;            ///< short side of what is stored; nothing is enlarged
  /// The share of the pictures that goes to validation, drawn by the hash of each file's bytes: a
  /// picture's side never changes because others come, go or are renamed.
  double holdout = 0.3;
  std::string val_list;        ///< a PictureList to validate on, instead of holdout; empty for none
  std::size_t min_side = 128;  ///< pixels of the original's short side
  double min_chroma = 2;       ///< mean Lab chroma below which a picture counts as grey
  /// Root mean square distance in ab from the picture's mean colour at the same lightness, below
  /// which it counts as toned (sepia, cyanotype, a tinted scan): its colour says nothing but L.
  double min_tone_spread = 1;
  bool overwrite = false;  ///< replace a data set that is there
  int jobs = 1;            ///< pictures decoded at once
  /// Called on the caller's thread after each picture; what it throws ends the work.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// Why a picture was left out, in the words of the report.
enum class Drop {
  none,
  unreadable,      ///< the system refused it
  broken,          ///< no usable picture: damaged, not a picture, beyond the decoder's limits
  too_small,       ///< short side below min_side
  too_narrow,      ///< long side above 8 times the short side
  transparent,     ///< more than 1 % of its pixels are not opaque
  grey,            ///< see min_chroma
  toned,           ///< see min_tone_spread
  duplicate,       ///< the pixels of another
  near_duplicate,  ///< resized, recompressed or retouched from another
};
const char* to_string(Drop drop);

struct PrepareResult {
  std::size_t found = 0;  ///< files that looked like pictures
  std::size_t train = 0;
  std::size_t val = 0;
  std::map<std::string, std::size_t> dropped;  ///< by reason
  std::map<std::string, std::size_t> sources;  ///< pictures kept, by source
  std::vector<std::string> warnings;           ///< what a person should know
};

/// Decodes, judges, resizes and stores every picture of the sources. Validation pictures of a list
/// are met first, so that of two duplicates the one in training goes. The data set's folder also
/// gets `report.jsonl`, a line for each file: kept or not, why, and its statistics. The result does
/// not depend on `jobs`. Throws DataError when no picture is usable, IoError,
/// std::invalid_argument for options out of range; then `output` is as it was.
PrepareResult prepare(const PrepareOptions& options);

}  // namespace tinct
