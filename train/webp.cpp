// WebP through libwebp, where it was found at configuring.
#ifdef TINCT_WEBP
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "core/error.h"
#include "train/codec.h"
#include "train/icc.h"

namespace tinct {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

std::string chunk(const WebPDemuxer* demuxer, const char* name) {
  std::string bytes;
  WebPChunkIterator iterator;
  if (WebPDemuxGetChunk(demuxer, name, 1, &iterator) != 0) {
    bytes.assign(reinterpret_cast<const char*>(iterator.chunk.bytes), iterator.chunk.size);
    WebPDemuxReleaseChunkIterator(&iterator);
  }
  return bytes;
}

[[noreturn]] void damaged(const std::string& name, const char* reason) {
  throw DataError(name + ": damaged or truncated WebP (" + reason + "); use an intact copy");
}

const char* reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "unsupported feature";
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "the data ends early";
    default:
      return "bitstream error";
  }
}

}  // namespace

Image decode_webp(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(data, bytes.size(), &features);
  if (status != VP8_STATUS_OK) damaged(name, reason(status));
  if (features.has_animation != 0) {
    throw DataError(name + ": an animated WebP, which is not read; save one frame of it first");
  }
  const auto height = static_cast<std::size_t>(features.height);
  const auto width = static_cast<std::size_t>(features.width);
  check_extents(name, height, width, limits);

  Image image = make_image(height, width, 3);
  image.format = "webp";
  const bool has_alpha = features.has_alpha != 0;
  if (has_alpha) {
    std::vector<std::uint8_t> rgba(height * width * 4);
    if (WebPDecodeRGBAInto(data, bytes.size(), rgba.data(), rgba.size(), features.width * 4) ==
        nullptr) {
      damaged(name, "bitstream error");
    }
    image.alpha.resize(height * width);
    bool opaque = true;
    for (std::size_t p = 0; p < height * width; ++p) {
      for (std::size_t c = 0; c < 3; ++c) image.pixels[3 * p + c] = rgba[4 * p + c];
      image.alpha[p] = rgba[4 * p + 3];
      opaque = opaque && image.alpha[p] == 255;
    }
    if (opaque) image.alpha.clear();
  } else if (WebPDecodeRGBInto(data, bytes.size(), image.pixels.data(), image.pixels.size(),
                               features.width * 3) == nullptr) {
    damaged(name, "bitstream error");
  }

  const WebPData view{data, bytes.size()};
  const Demuxer demuxer(WebPDemux(&view), &WebPDemuxDelete);
  if (demuxer != nullptr) {
    image.exif = chunk(demuxer.get(), "EXIF");
    if (image.exif.compare(0, 6, std::string("Exif\0\0", 6)) == 0) image.exif.erase(0, 6);
    const std::string profile = chunk(demuxer.get(), "ICCP");
    if (!profile.empty()) convert_from_profile(profile, image);
  }
  return image;
}

}  // namespace tinct
#endif
