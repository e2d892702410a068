// JPEG through libjpeg-turbo.
//
// The library reports errors by longjmp, which must not pass over a C++ object: `guarded` runs
// steps that make only C calls, on state that lives outside them.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// After <cstdio>, which they forget:
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "core/error.h"
#include "train/codec.h"
#include "train/icc.h"

namespace tinct {
namespace {

constexpr int most_scans = 500;  // a small progressive file can name millions
constexpr char exif_head[] = {'E', 'x', 'i', 'f', '\0', '\0'};

struct Errors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is a pointer to this
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool partial = false;
  bool damaged = false;
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

bool harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
         code == JWRN_BOGUS_ICC;
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  auto* errors = reinterpret_cast<Errors*>(info->err);
  if (harmless(errors->base.msg_code)) return;
  if (!errors->partial) leave(info);
  if (!errors->damaged) errors->base.format_message(info, errors->message);
  errors->damaged = true;
}

void on_progress(j_common_ptr info) {
  const auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  if (decoder->input_scan_number <= most_scans) return;
  auto* errors = reinterpret_cast<Errors*>(info->err);
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans", most_scans);
  std::longjmp(errors->jump, 1);
}

void set_up(Errors& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.emit_message = on_message;
  errors.message[0] = '\0';
}

/// Whether step() came to its end.
template <class Step>
bool guarded(Errors& errors, const Step& step) {
  if (setjmp(errors.jump)) return false;
  step();
  return true;
}

struct Decoder {
  jpeg_decompress_struct info{};
  Errors errors;
  jpeg_progress_mgr progress{};

  Decoder() {
    set_up(errors);
    info.err = &errors.base;
    jpeg_create_decompress(&info);
    progress.progress_monitor = on_progress;
    info.progress = &progress;
  }
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;

  /// Throws DataError unless step() came to its end.
  template <class Step>
  void run(const std::string& name, const Step& step) {
    if (guarded(errors, step)) return;
    throw DataError(name + ": damaged or truncated JPEG (" + errors.message +
                    "); use an intact copy");
  }
};

/// The smallest n/8 whose shorter side is at least min_side.
unsigned scale_for(std::size_t height, std::size_t width, std::size_t min_side) {
  if (min_side == 0) return 8;
  const std::size_t side = std::min(height, width);
  for (unsigned n = 1; n < 8; ++n) {
    if ((side * n + 7) / 8 >= min_side) return n;
  }
  return 8;
}

std::string exif_of(const jpeg_decompress_struct& info) {
  for (const auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    const std::string_view head(exif_head, sizeof exif_head);
    if (marker->marker == JPEG_APP0 + 1 && data.substr(0, head.size()) == head) {
      return std::string(data.substr(head.size()));
    }
  }
  return {};
}

std::string profile_of(jpeg_decompress_struct& info) {
  JOCTET* data = nullptr;
  unsigned size = 0;
  if (!jpeg_read_icc_profile(&info, &data, &size)) return {};
  const std::unique_ptr<JOCTET, void (*)(void*)> owner(data, std::free);
  return std::string(reinterpret_cast<const char*>(data), size);
}

/// The space to decode to. Throws DataError for what is neither grey, nor colour, nor CMYK.
J_COLOR_SPACE target_space(const jpeg_decompress_struct& info, const std::string& name) {
  switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      return JCS_GRAYSCALE;
    case JCS_RGB:
    case JCS_YCbCr:
      return JCS_RGB;
    case JCS_CMYK:
    case JCS_YCCK:
      return JCS_CMYK;
    default:
      throw DataError(name + ": JPEG with " + std::to_string(info.num_components) +
                      " components of an unknown kind; convert it to an ordinary JPEG or PNG");
  }
}

void read_rows(jpeg_decompress_struct& info, std::uint8_t* pixels) {
  const std::size_t stride = std::size_t{info.output_width} * info.output_components;
  while (info.output_scanline < info.output_height) {
    JSAMPROW rows[8];
    const JDIMENSION count = std::min<JDIMENSION>(8, info.output_height - info.output_scanline);
    for (JDIMENSION i = 0; i < count; ++i) {
      rows[i] = pixels + (std::size_t{info.output_scanline} + i) * stride;
    }
    jpeg_read_scanlines(&info, rows, count);
  }
  jpeg_finish_decompress(&info);
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name, const DecodeLimits& limits,
                  std::size_t min_side) {
  Decoder decoder;
  auto& info = decoder.info;
  decoder.errors.partial = limits.partial;
  decoder.run(name, [&] {
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(&info, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&info, TRUE);
  });
  check_extents(name, info.image_height, info.image_width, limits);
  info.out_color_space = target_space(info, name);
  info.scale_num = scale_for(info.image_height, info.image_width, min_side);
  info.scale_denom = 8;
  decoder.run(name, [&] { jpeg_start_decompress(&info); });

  const std::size_t components = info.output_components;
  Image image = make_image(info.output_height, info.output_width, components == 1 ? 1 : 3);
  image.format = "jpeg";
  std::vector<std::uint8_t> ink(components == 4 ? image.area() * 4 : 0);
  std::uint8_t* target = ink.empty() ? image.pixels.data() : ink.data();
  // The profile is read first: finishing frees the markers.
  const std::string profile = profile_of(info);
  image.exif = exif_of(info);
  decoder.run(name, [&] { read_rows(info, target); });
  if (decoder.errors.damaged) {
    image.notes.push_back(std::string("damaged JPEG, kept in part (") + decoder.errors.message +
                          ")");
  }
  if (components == 4) {
    // Adobe's programs store the complement.
    if (info.saw_Adobe_marker) {
      for (std::uint8_t& value : ink) value = static_cast<std::uint8_t>(255 - value);
    }
    image.pixels = convert_ink(profile, ink, image);
  } else if (!profile.empty()) {
    convert_from_profile(profile, image);
  }
  return image;
}

namespace {

struct Encoder {
  jpeg_compress_struct info{};
  Errors errors;
  unsigned char* bytes = nullptr;
  unsigned long size = 0;

  Encoder() {
    set_up(errors);
    info.err = &errors.base;
    jpeg_create_compress(&info);
  }
  ~Encoder() {
    jpeg_destroy_compress(&info);
    std::free(bytes);
  }
  Encoder(const Encoder&) = delete;
};

/// 8-bit pixels without alpha: rounded and laid on white where need be.
std::vector<std::uint8_t> flattened(const Image& image) {
  const std::size_t c = image.channels;
  const std::uint32_t most = image.bits == 16 ? 65535 : 255;
  std::vector<std::uint8_t> out(image.area() * c);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t value = image.bits == 16 ? image.pixels16[i] : image.pixels[i];
    if (!image.alpha.empty()) {
      const std::uint64_t alpha = image.alpha[i / c];
      value = (value * alpha + std::uint64_t{most} * (most - alpha) + most / 2) / most;
    }
    out[i] = static_cast<std::uint8_t>((value * 255 + most / 2) / most);
  }
  return out;
}

void write_exif(jpeg_compress_struct& info, const std::string& exif) {
  if (exif.empty()) return;
  jpeg_write_m_header(&info, JPEG_APP0 + 1, static_cast<unsigned>(sizeof exif_head + exif.size()));
  for (const char c : exif_head) jpeg_write_m_byte(&info, c);
  for (const char c : exif) jpeg_write_m_byte(&info, static_cast<unsigned char>(c));
}

}  // namespace

std::string encode_jpeg(const Image& image, int quality) {
  if (quality < 1 || quality > 100) {
    throw std::invalid_argument("encode_jpeg: quality " + std::to_string(quality) +
                                ", expected 1..100");
  }
  if (image.area() == 0 || image.height > JPEG_MAX_DIMENSION || image.width > JPEG_MAX_DIMENSION) {
    throw std::invalid_argument("encode_jpeg: " + std::to_string(image.width) + " x " +
                                std::to_string(image.height) + ": sides must be 1..65500");
  }
  const bool plain = image.bits == 8 && image.alpha.empty();
  const std::vector<std::uint8_t> copy = plain ? std::vector<std::uint8_t>() : flattened(image);
  const std::uint8_t* pixels = plain ? image.pixels.data() : copy.data();
  const bool has_exif = !image.exif.empty() && image.exif.size() + sizeof exif_head <= 65533;
  const std::string exif = has_exif ? image.exif : std::string();
  // A grey picture takes no profile: the one to embed is for three components.
  const std::string& icc = srgb_profile();

  Encoder encoder;
  auto& info = encoder.info;
  const bool done = guarded(encoder.errors, [&] {
    jpeg_mem_dest(&info, &encoder.bytes, &encoder.size);
    info.image_height = static_cast<JDIMENSION>(image.height);
    info.image_width = static_cast<JDIMENSION>(image.width);
    info.input_components = static_cast<int>(image.channels);
    info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.optimize_coding = TRUE;
    if (quality >= 90) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&info, TRUE);
    write_exif(info, exif);
    if (image.channels == 3) {
      jpeg_write_icc_profile(&info, reinterpret_cast<const JOCTET*>(icc.data()),
                             static_cast<unsigned>(icc.size()));
    }
    while (info.next_scanline < info.image_height) {
      auto* row = const_cast<JSAMPLE*>(pixels + std::size_t{info.next_scanline} * image.width *
                                                    image.channels);
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  });
  if (!done) throw IoError(std::string("cannot encode a JPEG: ") + encoder.errors.message);
  return std::string(reinterpret_cast<const char*>(encoder.bytes), encoder.size);
}

}  // namespace tinct
