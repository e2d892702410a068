// Augmentation.
#include "train/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "core/random.h"
#include "train/resize.h"

namespace tinct {
namespace {

// Which number of a sample's stream decides what.
enum Draw : std::uint64_t { draw_scale, draw_top, draw_left, draw_flip };

void check(std::size_t height, std::size_t width, const AugmentOptions& o) {
  const std::string size = std::to_string(height) + "x" + std::to_string(width);
  if (height == 0 || width == 0) throw std::invalid_argument("augment: a picture of " + size);
  if (o.crop == 0) throw std::invalid_argument("augment: crop 0");
  if (!(o.scale_min > 0 && o.scale_min <= o.scale_max && o.scale_max <= 1)) {
    throw std::invalid_argument("augment: scale " + std::to_string(o.scale_min) + ".." +
                                std::to_string(o.scale_max) + " is not within 0..1");
  }
}

void mirror(std::size_t side, std::uint8_t* rgb) {
  for (std::size_t y = 0; y < side; ++y) {
    std::uint8_t* row = rgb + y * side * 3;
    for (std::size_t x = 0; x < side / 2; ++x) {
      std::swap_ranges(row + x * 3, row + x * 3 + 3, row + (side - 1 - x) * 3);
    }
  }
}

}  // namespace

Window draw_window(std::size_t height, std::size_t width, const AugmentOptions& options,
                   std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample) {
  check(height, width, options);
  const Random random(seed, Purpose::augment, epoch, sample);
  const std::size_t shorter = std::min(height, width);
  const double fraction = options.scale_min * std::pow(options.scale_max / options.scale_min,
                                                       double{random.uniform(draw_scale)});
  Window window;
  window.side = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(shorter)));
  window.side = std::clamp(window.side, std::min(options.crop, shorter), shorter);
  const std::size_t free_rows = height - window.side, free_columns = width - window.side;
  if (options.centre) {
    window.top = free_rows / 2;
    window.left = free_columns / 2;
  } else {
    window.top = random.below(draw_top, static_cast<std::uint32_t>(free_rows + 1));
    window.left = random.below(draw_left, static_cast<std::uint32_t>(free_columns + 1));
  }
  window.mirrored = options.flip && random.below(draw_flip, 2) == 1;
  return window;
}

Cut cut_out(const Tensor& rgb, const AugmentOptions& options, std::uint64_t seed,
            std::uint64_t epoch, std::uint64_t sample) {
  const Shape& s = rgb.shape();
  if (!rgb.defined() || s.n != 1 || s.c != 3) {
    throw std::invalid_argument("augment: " + to_string(s) + " is not (1,h,w,3)");
  }
  const Window window = draw_window(s.h, s.w, options, seed, epoch, sample);
  Cut cut{Tensor({1, window.side, window.side, 3}, DType::u8), window.mirrored};
  const std::size_t row = window.side * 3;
  for (std::size_t y = 0; y < window.side; ++y) {
    std::memcpy(cut.square.u8() + y * row, rgb.u8() + ((window.top + y) * s.w + window.left) * 3,
                row);
  }
  return cut;
}

Tensor augment(const Tensor& rgb, const AugmentOptions& options, std::uint64_t seed,
               std::uint64_t epoch, std::uint64_t sample) {
  const Cut cut = cut_out(rgb, options, seed, epoch, sample);
  const std::size_t side = cut.square.shape().h;
  Tensor out = cut.square;
  if (side != options.crop) {
    Image square = make_image(side, side, 3);
    std::memcpy(square.pixels.data(), cut.square.u8(), cut.square.bytes());
    const Image small = resize(square, options.crop, options.crop);
    out = Tensor({1, options.crop, options.crop, 3}, DType::u8);
    std::memcpy(out.u8(), small.pixels.data(), out.bytes());
  }
  if (cut.mirrored) mirror(options.crop, out.u8());
  return out;
}

}  // namespace tinct
