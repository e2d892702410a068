// Picture files made byte by byte: what encoders of this program never write, and what is broken.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>
// After <cstdio>, which it forgets:
#include <jpeglib.h>

namespace tinct::test {

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}

inline std::string little_endian(std::uint64_t value, int bytes) {
  const std::string text = big_endian(value, bytes);
  return std::string(text.rbegin(), text.rend());
}

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string deflated(const std::string& data) {
  std::string out(compressBound(data.size()), '\0');
  uLongf size = out.size();
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
           data.size());
  out.resize(size);
  return out;
}

inline std::string png_chunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), uInt(body.size()));
  return big_endian(data.size(), 4) + body + big_endian(sum, 4);
}

struct PngParts {
  std::uint32_t width = 1, height = 1;
  int depth = 8, colour = 0;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  bool interlaced = false;
  std::vector<std::string> rows;  ///< packed, without their filter bytes
  std::string before;             ///< whole chunks between IHDR and IDAT
  std::string after;              ///< whole chunks between IDAT and IEND
};

inline std::string png_file(const PngParts& parts) {
  std::string scanlines;
  for (const std::string& row : parts.rows) scanlines += std::string(1, '\0') + row;
  const std::string header = big_endian(parts.width, 4) + big_endian(parts.height, 4) +
                             char(parts.depth) + char(parts.colour) + std::string(2, '\0') +
                             char(parts.interlaced);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + parts.before +
         png_chunk("IDAT", deflated(scanlines)) + parts.after + png_chunk("IEND", "");
}

struct JpegParts {
  std::uint32_t width = 8, height = 8;
  J_COLOR_SPACE in = JCS_RGB;  ///< of `samples`
  J_COLOR_SPACE stored = JCS_YCbCr;
  std::vector<std::uint8_t> samples;
  bool progressive = false, arithmetic = false;
  int h_sampling = 1, v_sampling = 1;
  std::vector<std::pair<int, std::string>> markers;  ///< APPn, content
};

inline std::string jpeg_file(const JpegParts& parts) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = parts.width, info.image_height = parts.height;
  info.input_components = parts.in == JCS_GRAYSCALE ? 1 : parts.in == JCS_RGB ? 3 : 4;
  info.in_color_space = parts.in;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, parts.stored);
  jpeg_set_quality(&info, 100, TRUE);
  info.comp_info[0].h_samp_factor = parts.h_sampling;
  info.comp_info[0].v_samp_factor = parts.v_sampling;
  info.arith_code = parts.arithmetic;
  if (parts.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (const auto& [app, content] : parts.markers) {
    jpeg_write_marker(&info, JPEG_APP0 + app, reinterpret_cast<const JOCTET*>(content.data()),
                      unsigned(content.size()));
  }
  const std::size_t stride = std::size_t{parts.width} * unsigned(info.input_components);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPLE*>(parts.samples.data() + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return file;
}

/// A TIFF block: orientation in folder 0, extents in the EXIF folder, a thumbnail in folder 1.
inline std::string exif_block(int orientation, bool little) {
  const auto number = [&](std::uint64_t v, int n) {
    return little ? little_endian(v, n) : big_endian(v, n);
  };
  const auto entry = [&](int tag, int type, std::uint64_t value) {
    const std::string inlined = type == 3 ? number(value, 2) + number(0, 2) : number(value, 4);
    return number(std::uint64_t(tag), 2) + number(std::uint64_t(type), 2) + number(1, 4) + inlined;
  };
  // Folder 0 at 8 (two entries: 30 bytes), EXIF folder at 38 (30 bytes), folder 1 at 68 (30 bytes),
  // the thumbnail's 16 bytes at 98.
  return std::string(little ? "II" : "MM") + number(42, 2) + number(8, 4) +  //
         number(2, 2) + entry(0x0112, 3, std::uint64_t(orientation)) + entry(0x8769, 4, 38) +
         number(68, 4) +  //
         number(2, 2) + entry(0xA002, 4, 60) + entry(0xA003, 3, 40) + number(0, 4) + number(2, 2) +
         entry(0x0201, 4, 98) + entry(0x0202, 4, 16) + number(0, 4) + "THUMBNAILTHUMBNA";
}

}  // namespace tinct::test
