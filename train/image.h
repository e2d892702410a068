// Pictures: decoding what people have, encoding what they want.
//
// Read: JPEG (libjpeg-turbo), PNG (libpng), GIF, BMP and PNM (own readers), and WebP where libwebp
// was found; the format is told by the first bytes, never by the name. What moves is refused.
// Everything is brought to one shape: sRGB or grey, upright, 8 or 16 bits, alpha apart. ICC
// profiles and PNG gamma are converted to sRGB, EXIF orientation is applied once and reset in the
// EXIF that is carried along.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinct {

struct Image {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 3;             ///< 1: grey, 3: sRGB
  int bits = 8;                         ///< 8 or 16
  std::vector<std::uint8_t> pixels;     ///< height * width * channels when bits is 8, else empty
  std::vector<std::uint16_t> pixels16;  ///< the same when bits is 16
  std::vector<std::uint16_t> alpha;     ///< height * width levels of `bits` bits; empty if opaque
  std::string exif;                     ///< a TIFF block with orientation 1, or empty
  std::string format;                   ///< "jpeg", "png", "webp", "gif", "bmp", "pnm": what it was
  std::vector<std::string> notes;       ///< what a person should know: "ICC profile converted"

  std::size_t area() const { return height * width; }
};

/// An image with zeroed pixels and no alpha.
Image make_image(std::size_t height, std::size_t width, std::size_t channels, int bits = 8);

/// What a decoder refuses before it allocates.
struct DecodeLimits {
  std::uint64_t pixels = 64'000'000;
  std::size_t side = 32767;
  std::uint64_t file_bytes = std::uint64_t{256} << 20;
  std::size_t aspect = 1000;  ///< longer side over shorter side
  /// Keep what can be decoded of a truncated or damaged JPEG, with a note, instead of refusing it.
  bool partial = false;
};

/// Reads a picture. With `min_side` > 0 a JPEG may be decoded at a reduced scale (n/8) whose
/// shorter side is still at least `min_side`: much faster, for callers that shrink it anyway.
/// Throws DataError for what is not a usable picture and IoError for what cannot be read; each
/// names the file, the reason and, where there is one, the remedy.
Image load_image(const std::string& path, const DecodeLimits& limits = {},
                 std::size_t min_side = 0);
/// The same from memory; `name` is for messages.
Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits = {},
                   std::size_t min_side = 0);

/// The encoded file. PNG keeps bits, alpha and EXIF and is tagged sRGB; `level` is zlib's 0..9.
std::string encode_png(const Image& image, int level = 6);
/// 8 bits (16 are rounded), alpha flattened on white, EXIF kept, sRGB profile embedded. quality
/// 1..100; from 90 up the chroma is not subsampled. Throws std::invalid_argument for another
/// quality or for a side above 65535, which JPEG has not.
std::string encode_jpeg(const Image& image, int quality = 92);

/// Encode and write whole or not at all. Throw IoError besides.
void save_png(const std::string& path, const Image& image, int level = 6);
void save_jpeg(const std::string& path, const Image& image, int quality = 92);

/// Three channels of 8 bits, rounded; grey is tripled, alpha and EXIF dropped.
Image to_rgb8(const Image& image);

/// Whether the name ends in an extension that load_image reads (any case): for walking folders.
bool has_image_extension(const std::string& path);

}  // namespace tinct
