// The part of EXIF that a program must understand before it carries the rest along.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tinct {

/// The orientation (1..8) that a TIFF block names, 1 when it names none. The block is then made
/// true for an upright picture: orientation 1, width and height exchanged for 5..8, no thumbnail.
/// A block that cannot be understood is emptied.
int take_orientation(std::string& exif);

/// Turns height x width x channels samples upright and exchanges height and width for 5..8.
template <class Level>
std::vector<Level> apply_orientation(int orientation, const std::vector<Level>& samples,
                                     std::size_t height, std::size_t width, std::size_t channels);

}  // namespace tinct
