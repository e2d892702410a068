// What the decoders and encoders of train/ share among themselves. Callers use train/image.h.
#pragma once

#include <string>
#include <string_view>

#include "train/image.h"

namespace tinct {

/// One decoder a format. The bytes start with the format's magic; the result is not yet upright:
/// its EXIF still has the orientation. Throw DataError.
Image decode_jpeg(std::string_view bytes, const std::string& name, const DecodeLimits& limits,
                  std::size_t min_side);
Image decode_png(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
Image decode_bmp(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
Image decode_gif(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
Image decode_pnm(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
#ifdef TINCT_WEBP
Image decode_webp(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
#endif

/// Throws DataError when a picture of these extents is not to be decoded.
void check_extents(const std::string& name, std::uint64_t height, std::uint64_t width,
                   const DecodeLimits& limits);

}  // namespace tinct
