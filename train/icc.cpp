// Colour management through Little CMS.
#include "train/icc.h"

#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/threads.h"

namespace tinct {
namespace {

constexpr std::size_t most_profile_bytes = std::size_t{4} << 20;

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, FreeCurve>;

struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Transform = std::unique_ptr<void, DeleteTransform>;

Profile open_profile(const std::string& bytes) {
  if (bytes.empty() || bytes.size() > most_profile_bytes) return nullptr;
  return Profile(cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
}

/// A grey profile with the curve of sRGB, so that grey pictures stay grey.
Profile grey_srgb() {
  const cmsFloat64Number curve[5] = {2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045};
  const Curve tone(cmsBuildParametricToneCurve(nullptr, 4, curve));
  return Profile(cmsCreateGrayProfile(cmsD50_xyY(), tone.get()));
}

// No cache: then one transform serves several threads.
Transform make_transform(const Profile& from, cmsUInt32Number in, const Profile& to,
                         cmsUInt32Number out) {
  return Transform(cmsCreateTransform(from.get(), in, to.get(), out, INTENT_PERCEPTUAL,
                                      cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION));
}

template <class Level>
void transform_pixels(const Transform& transform, std::size_t n, std::size_t in_channels,
                      const Level* in, std::size_t out_channels, Level* out) {
  parallel_for(n, [&](std::size_t begin, std::size_t end) {
    cmsDoTransform(transform.get(), in + begin * in_channels, out + begin * out_channels,
                   static_cast<cmsUInt32Number>(end - begin));
  });
}

/// Whether `from` maps a grid of 8-bit colours to themselves, give or take rounding: then
/// converting would only lose digits.
bool is_identity(const Profile& from, const Profile& to, bool grey) {
  const cmsUInt32Number type = grey ? TYPE_GRAY_8 : TYPE_RGB_8;
  const Transform transform = make_transform(from, type, to, type);
  if (!transform) return false;
  std::vector<std::uint8_t> grid;
  if (grey) {
    for (int v = 0; v < 256; ++v) grid.push_back(static_cast<std::uint8_t>(v));
  } else {
    for (int i = 0; i < 9 * 9 * 9; ++i) {
      for (const int v : {i / 81, i / 9 % 9, i % 9}) {
        grid.push_back(static_cast<std::uint8_t>(std::min(255, 32 * v)));
      }
    }
  }
  std::vector<std::uint8_t> out(grid.size());
  cmsDoTransform(transform.get(), grid.data(), out.data(),
                 static_cast<cmsUInt32Number>(grid.size() / (grey ? 1 : 3)));
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (std::abs(int{grid[i]} - int{out[i]}) > 1) return false;
  }
  return true;
}

void convert(const Profile& from, Image& image, const char* what) {
  const bool grey = image.channels == 1;
  const Profile to = grey ? grey_srgb() : Profile(cmsCreate_sRGBProfile());
  if (is_identity(from, to, grey)) return;
  const bool deep = image.bits == 16;
  const cmsUInt32Number type =
      grey ? (deep ? TYPE_GRAY_16 : TYPE_GRAY_8) : (deep ? TYPE_RGB_16 : TYPE_RGB_8);
  const Transform transform = make_transform(from, type, to, type);
  if (!transform) {
    image.notes.push_back(std::string(what) + " unusable: taken as sRGB");
    return;
  }
  if (deep) {
    transform_pixels(transform, image.area(), image.channels, image.pixels16.data(), image.channels,
                     image.pixels16.data());
  } else {
    transform_pixels(transform, image.area(), image.channels, image.pixels.data(), image.channels,
                     image.pixels.data());
  }
  image.notes.push_back(std::string(what) + " converted to sRGB");
}

}  // namespace

void convert_from_profile(const std::string& bytes, Image& image) {
  const Profile profile = open_profile(bytes);
  const auto kind = profile ? cmsGetColorSpace(profile.get()) : cmsColorSpaceSignature{};
  if (!profile || kind != (image.channels == 1 ? cmsSigGrayData : cmsSigRgbData)) {
    image.notes.push_back("ICC profile unusable: taken as sRGB");
    return;
  }
  convert(profile, image, "ICC profile");
}

std::vector<std::uint8_t> convert_ink(const std::string& bytes,
                                      const std::vector<std::uint8_t>& ink, Image& image) {
  const std::size_t n = ink.size() / 4;
  std::vector<std::uint8_t> rgb(3 * n);
  const Profile profile = open_profile(bytes);
  if (profile && cmsGetColorSpace(profile.get()) == cmsSigCmykData) {
    const Profile to(cmsCreate_sRGBProfile());
    if (const Transform transform = make_transform(profile, TYPE_CMYK_8, to, TYPE_RGB_8)) {
      transform_pixels(transform, n, 4, ink.data(), 3, rgb.data());
      image.notes.push_back("CMYK converted to sRGB by its ICC profile");
      return rgb;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned light = 255u - ink[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = static_cast<std::uint8_t>(((255u - ink[4 * i + c]) * light + 127) / 255);
    }
  }
  image.notes.push_back("CMYK without a usable profile: converted plainly");
  return rgb;
}

void convert_from_chromaticities(const Chromaticities& space, Image& image) {
  // Writers round 1/2.2 to .45455 and mean sRGB.
  const Chromaticities srgb;
  double off = std::abs(space.gamma / srgb.gamma - 1) > .02 ? 1 : 0;
  if (image.channels == 3) {
    for (int i = 0; i < 2; ++i) {
      off = std::max(
          {off, std::abs(space.white[i] - srgb.white[i]), std::abs(space.red[i] - srgb.red[i]),
           std::abs(space.green[i] - srgb.green[i]), std::abs(space.blue[i] - srgb.blue[i])});
    }
  }
  if (off <= .002) return;
  if (!(space.gamma > .05 && space.gamma < 20)) {
    image.notes.push_back("PNG gamma impossible: taken as sRGB");
    return;
  }
  const Curve tone(cmsBuildGamma(nullptr, 1 / space.gamma));
  cmsToneCurve* tones[3] = {tone.get(), tone.get(), tone.get()};
  const cmsCIExyY white = {space.white[0], space.white[1], 1};
  const cmsCIExyYTRIPLE primaries = {{space.red[0], space.red[1], 1},
                                     {space.green[0], space.green[1], 1},
                                     {space.blue[0], space.blue[1], 1}};
  const Profile profile(image.channels == 1 ? cmsCreateGrayProfile(cmsD50_xyY(), tone.get())
                                            : cmsCreateRGBProfile(&white, &primaries, tones));
  if (!profile) {
    image.notes.push_back("PNG chromaticities impossible: taken as sRGB");
    return;
  }
  convert(profile, image, "PNG gamma and chromaticities");
}

const std::string& srgb_profile() {
  static const std::string bytes = [] {
    const Profile profile(cmsCreate_sRGBProfile());
    cmsUInt32Number size = 0;
    cmsSaveProfileToMem(profile.get(), nullptr, &size);
    std::string result(size, '\0');
    cmsSaveProfileToMem(profile.get(), result.data(), &size);
    std::memset(result.data() + 24, 0, 12);  // the date
    std::memset(result.data() + 84, 0, 16);  // the checksum, which covers it
    return result;
  }();
  return bytes;
}

}  // namespace tinct
