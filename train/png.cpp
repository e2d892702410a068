// PNG through libpng.
//
// The library reports errors by longjmp, which must not pass over a C++ object: `guarded` runs
// steps that make only C calls, on state that lives outside them.
#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "core/error.h"
#include "train/codec.h"
#include "train/icc.h"

namespace tinct {
namespace {

constexpr std::size_t signature_bytes = 8;
constexpr std::size_t most_chunk_bytes = std::size_t{8} << 20;
constexpr int most_chunks = 1000;

struct Errors {
  std::jmp_buf jump;
  char message[256] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* errors = static_cast<Errors*>(png_get_error_ptr(png));
  std::snprintf(errors->message, sizeof errors->message, "%s", message);
  std::longjmp(errors->jump, 1);
}

void on_warning(png_structp, png_const_charp) {}

/// Whether step() came to its end.
template <class Step>
bool guarded(Errors& errors, const Step& step) {
  if (setjmp(errors.jump)) return false;
  step();
  return true;
}

std::uint32_t big_endian(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return value;
}

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  throw DataError(name + ": damaged or truncated PNG (" + reason + "); use an intact copy");
}

/// Walks the chunks before libpng sees them: all must lie in the file, the extents must be allowed,
/// and there must be one picture.
void check_chunks(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  for (std::size_t at = signature_bytes; bytes.size() - at >= 12;) {
    const std::size_t length = big_endian(bytes, at);
    const std::string_view kind = bytes.substr(at + 4, 4);
    if (length > bytes.size() - at - 12) {
      refuse(name, "chunk " + std::to_string(at) + " goes beyond the end of the file");
    }
    if (at == signature_bytes) {
      if (kind != "IHDR" || length != 13) refuse(name, "no header");
      check_extents(name, big_endian(bytes, at + 12), big_endian(bytes, at + 8), limits);
    }
    if (kind == "acTL" && length >= 4 && big_endian(bytes, at + 8) > 1) {
      throw DataError(name + ": an animated PNG of " + std::to_string(big_endian(bytes, at + 8)) +
                      " frames; save the frames as single pictures first");
    }
    if (kind == "IEND") return;
    at += 12 + length;
  }
  refuse(name, "it ends before its last chunk");
}

struct Source {
  std::string_view bytes;
  std::size_t at = 0;
};

void on_read(png_structp png, png_bytep target, png_size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->bytes.size() - source->at) png_error(png, "unexpected end");
  std::memcpy(target, source->bytes.data() + source->at, count);
  source->at += count;
}

struct Reader {
  Errors errors;
  Source source;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(std::string_view bytes) : source{bytes} {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors, on_error, on_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw OutOfMemory("no memory for a PNG decoder");
    }
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;

  template <class Step>
  void run(const std::string& name, const Step& step) {
    if (!guarded(errors, step)) refuse(name, errors.message);
  }
};

/// 1, 2, 3 or 4 channels of 8 or 16 bits, whatever was stored.
void normalise(png_structp png, png_infop info) {
  const int depth = png_get_bit_depth(png, info), colour = png_get_color_type(png, info);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
  if (depth == 16 && std::endian::native == std::endian::little) png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

/// Takes the last of `stored` channels into image.alpha and the others into `pixels`.
template <class Level>
void split_alpha(const std::vector<Level>& samples, std::size_t stored, Image& image,
                 std::vector<Level>& pixels) {
  const std::size_t n = image.area(), kept = stored - 1;
  image.alpha.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < kept; ++c) pixels[i * kept + c] = samples[i * stored + c];
    image.alpha[i] = samples[i * stored + kept];
  }
}

template <class Level>
void read_pixels(Reader& reader, const std::string& name, std::size_t stored, Image& image,
                 std::vector<Level>& pixels) {
  const bool with_alpha = stored != image.channels;
  std::vector<Level> samples(with_alpha ? image.area() * stored : 0);
  Level* target = with_alpha ? samples.data() : pixels.data();
  std::vector<png_bytep> rows(image.height);
  for (std::size_t y = 0; y < image.height; ++y) {
    rows[y] = reinterpret_cast<png_bytep>(target + y * image.width * stored);
  }
  reader.run(name, [&] {
    png_read_image(reader.png, rows.data());
    png_read_end(reader.png, reader.info);
  });
  if (with_alpha) split_alpha(samples, stored, image, pixels);
}

/// What the file says of its colours, the strongest statement first: iCCP, sRGB, gAMA and cHRM.
void convert_colours(png_structp png, png_infop info, Image& image) {
  png_charp label = nullptr;
  png_bytep data = nullptr;
  png_uint_32 size = 0;
  int method = 0;
  if (png_get_iCCP(png, info, &label, &method, &data, &size) != 0) {
    convert_from_profile(std::string(reinterpret_cast<const char*>(data), size), image);
    return;
  }
  Chromaticities space;
  if (png_get_valid(png, info, PNG_INFO_sRGB)) return;
  if (png_get_gAMA(png, info, &space.gamma) == 0) return;
  png_get_cHRM(png, info, &space.white[0], &space.white[1], &space.red[0], &space.red[1],
               &space.green[0], &space.green[1], &space.blue[0], &space.blue[1]);
  convert_from_chromaticities(space, image);
}

}  // namespace

Image decode_png(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  check_chunks(bytes, name, limits);
  Reader reader(bytes);
  const png_structp png = reader.png;
  const png_infop info = reader.info;
  reader.run(name, [&] {
    png_set_read_fn(png, &reader.source, on_read);
    png_set_user_limits(png, static_cast<png_uint_32>(limits.side),
                        static_cast<png_uint_32>(limits.side));
    png_set_chunk_cache_max(png, most_chunks);
    png_set_chunk_malloc_max(png, most_chunk_bytes);
    png_read_info(png, info);
    normalise(png, info);
  });
  const std::size_t stored = png_get_channels(png, info);
  const int bits = png_get_bit_depth(png, info);
  if (stored < 1 || stored > 4 || (bits != 8 && bits != 16)) refuse(name, "unknown layout");
  Image image = make_image(png_get_image_height(png, info), png_get_image_width(png, info),
                           stored <= 2 ? 1 : 3, bits);
  image.format = "png";
  if (bits == 16) {
    read_pixels(reader, name, stored, image, image.pixels16);
  } else {
    read_pixels(reader, name, stored, image, image.pixels);
  }
  convert_colours(png, info, image);
  png_uint_32 exif_size = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(png, info, &exif_size, &exif) != 0) {
    image.exif.assign(reinterpret_cast<const char*>(exif), exif_size);
  }
  return image;
}

namespace {

struct Writer {
  Errors errors;
  std::string bytes;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, on_error, on_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
      png_destroy_write_struct(&png, nullptr);
      throw OutOfMemory("no memory for a PNG encoder");
    }
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
};

void on_write(png_structp png, png_bytep data, png_size_t count) {
  auto* bytes = static_cast<std::string*>(png_get_io_ptr(png));
  bool full = false;
  try {
    bytes->append(reinterpret_cast<const char*>(data), count);
  } catch (const std::bad_alloc&) {
    full = true;
  }
  if (full) png_error(png, "out of memory");
}

template <class Level>
void interleave(const Image& image, const std::vector<Level>& pixels, std::size_t y, Level* row) {
  const std::size_t c = image.channels;
  for (std::size_t x = 0; x < image.width; ++x) {
    const std::size_t i = y * image.width + x;
    for (std::size_t k = 0; k < c; ++k) row[x * (c + 1) + k] = pixels[i * c + k];
    row[x * (c + 1) + c] = static_cast<Level>(image.alpha[i]);
  }
}

template <class Level>
void write_rows(png_structp png, const Image& image, const std::vector<Level>& pixels, Level* row) {
  for (std::size_t y = 0; y < image.height; ++y) {
    const Level* from = pixels.data() + y * image.width * image.channels;
    if (!image.alpha.empty()) {
      interleave(image, pixels, y, row);
      from = row;
    }
    png_write_row(png, reinterpret_cast<png_const_bytep>(from));
  }
}

}  // namespace

std::string encode_png(const Image& image, int level) {
  if (image.area() == 0 || level < 0 || level > 9) {
    throw std::invalid_argument("encode_png: " + std::to_string(image.width) + " x " +
                                std::to_string(image.height) + ", level " + std::to_string(level));
  }
  const int grey = image.alpha.empty() ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_GRAY_ALPHA;
  const int colour = image.alpha.empty() ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
  std::vector<std::uint16_t> row(image.width * (image.channels + 1));
  std::string exif = image.exif;
  Writer writer;
  const bool done = guarded(writer.errors, [&] {
    png_set_write_fn(writer.png, &writer.bytes, on_write, nullptr);
    png_set_compression_level(writer.png, level);
    png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width),
                 static_cast<png_uint_32>(image.height), image.bits,
                 image.channels == 1 ? grey : colour, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(writer.png, writer.info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (!exif.empty()) {
      png_set_eXIf_1(writer.png, writer.info, static_cast<png_uint_32>(exif.size()),
                     reinterpret_cast<png_bytep>(exif.data()));
    }
    png_write_info(writer.png, writer.info);
    if (image.bits == 16) {
      if (std::endian::native == std::endian::little) png_set_swap(writer.png);
      write_rows(writer.png, image, image.pixels16, row.data());
    } else {
      write_rows(writer.png, image, image.pixels, reinterpret_cast<std::uint8_t*>(row.data()));
    }
    png_write_end(writer.png, writer.info);
  });
  if (!done) throw IoError(std::string("cannot encode a PNG: ") + writer.errors.message);
  return std::move(writer.bytes);
}

}  // namespace tinct
