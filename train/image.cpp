// Telling formats apart, dispatching to the decoders, turning pictures upright, saving.
#include "train/image.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <stdexcept>

#include "core/error.h"
#include "core/file.h"
#include "train/codec.h"
#include "train/exif.h"

namespace tinct {
namespace {

using namespace std::string_view_literals;

bool starts(std::string_view bytes, std::string_view magic, std::size_t offset = 0) {
  return bytes.size() >= offset + magic.size() && bytes.substr(offset, magic.size()) == magic;
}

#ifdef TINCT_WEBP
constexpr const char* kFormats = "JPEG, PNG, WebP, GIF, BMP and PNM";
#else
constexpr const char* kFormats = "JPEG, PNG, GIF, BMP and PNM";
#endif

/// What a file that is not read is, or an empty string when nobody knows.
std::string foreign_format(std::string_view bytes) {
  struct Magic {
    std::string_view bytes;
    std::size_t offset;
    const char* name;
  };
  static constexpr Magic magics[] = {
      {"WEBP"sv, 8, "a WebP picture"},
      {"II*\0"sv, 0, "a TIFF or camera raw file"},
      {"MM\0*"sv, 0, "a TIFF or camera raw file"},
      {"ftyphei"sv, 4, "a HEIC picture"},
      {"ftyphev"sv, 4, "a HEIC picture"},
      {"ftypmif1"sv, 4, "a HEIC picture"},
      {"ftypavif"sv, 4, "an AVIF picture"},
      {"ftyp"sv, 4, "a video or raw file"},
      {"\0\0\0\x0cJXL "sv, 0, "a JPEG XL picture"},
      {"\xff\x0a"sv, 0, "a JPEG XL picture"},
      {"\0\0\0\x0cjP  "sv, 0, "a JPEG 2000 picture"},
      {"8BPS"sv, 0, "a Photoshop file"},
      {"P7\n"sv, 0, "a PAM picture"},
      {"%PDF"sv, 0, "a PDF"},
      {"<svg"sv, 0, "an SVG drawing"},
      {"<?xml"sv, 0, "an XML file"},
      {"<!DOCTYPE"sv, 0, "a web page"},
      {"<html"sv, 0, "a web page"},
  };
  for (const Magic& magic : magics) {
    if (starts(bytes, magic.bytes, magic.offset)) return magic.name;
  }
  return {};
}

Image decode_any(std::string_view bytes, const std::string& name, const DecodeLimits& limits,
                 std::size_t min_side) {
  if (bytes.empty()) throw DataError(name + ": the file is empty");
  if (starts(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, name, limits, min_side);
  if (starts(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, name, limits);
  if (starts(bytes, "GIF87a") || starts(bytes, "GIF89a")) return decode_gif(bytes, name, limits);
  if (starts(bytes, "BM") && bytes.size() >= 26) return decode_bmp(bytes, name, limits);
  if (bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
      (std::isspace(static_cast<unsigned char>(bytes[2])) != 0 || bytes[2] == '#')) {
    return decode_pnm(bytes, name, limits);
  }
#ifdef TINCT_WEBP
  if (starts(bytes, "RIFF") && starts(bytes, "WEBP", 8)) return decode_webp(bytes, name, limits);
#endif
  const std::string kind = foreign_format(bytes);
  if (kind.empty()) throw DataError(name + ": not a picture (" + kFormats + " are read)");
  throw DataError(name + ": " + kind + ", which is not read; convert it to PNG or JPEG first");
}

void turn_upright(Image& image) {
  const int orientation = take_orientation(image.exif);
  if (orientation == 1) return;
  const auto turn = [&](auto& samples, std::size_t channels) {
    if (samples.empty()) return;
    samples = apply_orientation(orientation, samples, image.height, image.width, channels);
  };
  turn(image.pixels, image.channels);
  turn(image.pixels16, image.channels);
  turn(image.alpha, 1);
  if (orientation >= 5) std::swap(image.height, image.width);
}

}  // namespace

Image make_image(std::size_t height, std::size_t width, std::size_t channels, int bits) {
  if ((channels != 1 && channels != 3) || (bits != 8 && bits != 16)) {
    throw std::invalid_argument("make_image: " + std::to_string(channels) + " channels of " +
                                std::to_string(bits) + " bits, expected 1 or 3 of 8 or 16");
  }
  Image image;
  image.height = height, image.width = width, image.channels = channels, image.bits = bits;
  if (bits == 16) {
    image.pixels16.resize(height * width * channels);
  } else {
    image.pixels.resize(height * width * channels);
  }
  return image;
}

void check_extents(const std::string& name, std::uint64_t height, std::uint64_t width,
                   const DecodeLimits& limits) {
  const std::string extents = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (height == 0 || width == 0) throw DataError(name + ": " + extents + ": nothing to see");
  if (std::max(height, width) > limits.side) {
    throw DataError(name + ": " + extents + ", more than " + std::to_string(limits.side) +
                    " a side; make it smaller first");
  }
  if (height * width > limits.pixels) {
    throw DataError(name + ": " + extents + ", more than the limit of " +
                    std::to_string(limits.pixels) + " pixels; make it smaller or raise the limit");
  }
  if (std::max(height, width) > limits.aspect * std::min(height, width)) {
    throw DataError(name + ": " + extents + ": one side is more than " +
                    std::to_string(limits.aspect) + " times the other; crop it first");
  }
}

Image load_image(const std::string& path, const DecodeLimits& limits, std::size_t min_side) {
  std::error_code ignored;
  const bool regular = std::filesystem::is_regular_file(path, ignored);
  const std::uintmax_t size = regular ? std::filesystem::file_size(path, ignored) : 0;
  if (regular && !ignored && size > limits.file_bytes) {
    throw DataError(path + ": " + std::to_string(size) + " bytes, more than the limit of " +
                    std::to_string(limits.file_bytes));
  }
  return decode_image(read_file(path, limits.file_bytes), path, limits, min_side);
}

Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits,
                   std::size_t min_side) {
  Image image = decode_any(bytes, name, limits, min_side);
  turn_upright(image);
  return image;
}

void save_png(const std::string& path, const Image& image, int level) {
  write_file_atomically(path, encode_png(image, level));
}

void save_jpeg(const std::string& path, const Image& image, int quality) {
  write_file_atomically(path, encode_jpeg(image, quality));
}

Image to_rgb8(const Image& image) {
  Image out = make_image(image.height, image.width, 3);
  out.format = image.format, out.notes = image.notes;
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    const std::size_t from = image.channels == 3 ? i : i / 3;
    out.pixels[i] = image.bits == 8
                        ? image.pixels[from]
                        : static_cast<std::uint8_t>((image.pixels16[from] * 255u + 32767) / 65535);
  }
  return out;
}

bool has_image_extension(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
#ifdef TINCT_WEBP
  if (extension == ".webp") return true;
#endif
  static constexpr const char* known[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif",
                                          ".bmp", ".dib",  ".pbm", ".pgm",  ".ppm", ".pnm"};
  return std::any_of(std::begin(known), std::end(known),
                     [&](const char* name) { return extension == name; });
}

}  // namespace tinct
