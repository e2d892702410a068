// A contact sheet: rows of grey, coloured and original picture.
#pragma once

#include <vector>

#include "train/image.h"

namespace tinct {

class ContactSheet {
 public:
  /// Scales the pictures to the sheet's row height. The original may be empty (width 0): nobody
  /// knows its colours.
  void add_row(const Image& grey, const Image& coloured, const Image& original);
  bool empty() const { return cells_.empty(); }
  /// 8-bit sRGB on white.
  Image draw() const;

 private:
  std::vector<Image> cells_;  // three a row
};

}  // namespace tinct
