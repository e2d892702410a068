// Colour management: what a picture says about its colours, converted to sRGB.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/image.h"

namespace tinct {

/// Converts the pixels from the ICC profile to sRGB (perceptual intent) and says so in the notes;
/// leaves them alone when the profile is sRGB in all but name. A profile that cannot be read or is
/// for another kind of picture is ignored, with a note.
void convert_from_profile(const std::string& profile, Image& image);

/// `ink` (n, 4), 0: none, 255: full, to sRGB (n, 3): by the profile, or without one (empty or
/// unusable) as (1 - c)(1 - k).
std::vector<std::uint8_t> convert_ink(const std::string& profile,
                                      const std::vector<std::uint8_t>& ink, Image& image);

/// What PNG's gAMA and cHRM chunks say.
struct Chromaticities {
  double white[2] = {.3127, .3290};
  double red[2] = {.64, .33};
  double green[2] = {.30, .60};
  double blue[2] = {.15, .06};
  double gamma = .45455;  ///< of the encoding
};
/// Converts pixels encoded so to sRGB; leaves them alone when that is what they are. Impossible
/// values are ignored, with a note.
void convert_from_chromaticities(const Chromaticities& space, Image& image);

/// An sRGB profile to embed, the same bytes every time.
const std::string& srgb_profile();

}  // namespace tinct
