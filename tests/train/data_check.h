// What the tests of data sets share: a temporary folder, generated pictures, small data sets.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>

#include "core/hash.h"
#include "core/random.h"
#include "train/dataset.h"
#include "train/image.h"

namespace tinct::test {

/// A folder that is removed at the end.
class Folder {
 public:
  Folder() {
    static std::atomic<int> counter{0};
    path_ = std::filesystem::temp_directory_path() /
            ("tinct-data-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A colourful picture of smooth hills, a pure function of the seed; two seeds look different.
inline Image hills(std::size_t height, std::size_t width, std::uint64_t seed) {
  const Random random(seed, Purpose::test);
  // A coarse grid of colours, interpolated.
  constexpr std::size_t grid = 6;
  Image image = make_image(height, width, 3);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double gy = static_cast<double>(y) * (grid - 1) / static_cast<double>(height);
      const double gx = static_cast<double>(x) * (grid - 1) / static_cast<double>(width);
      const auto iy = static_cast<std::size_t>(gy), ix = static_cast<std::size_t>(gx);
      const double fy = gy - static_cast<double>(iy), fx = gx - static_cast<double>(ix);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto corner = [&](std::size_t v, std::size_t u) {
          return 255.0 * double{random.uniform(((iy + v) * grid + ix + u) * 3 + c)};
        };
        const double value = (1 - fy) * ((1 - fx) * corner(0, 0) + fx * corner(0, 1)) +
                             fy * ((1 - fx) * corner(1, 0) + fx * corner(1, 1));
        image.pixels[(y * width + x) * 3 + c] = static_cast<std::uint8_t>(value);
      }
    }
  }
  return image;
}

inline Tensor to_tensor(const Image& image) {
  Tensor rgb({1, image.height, image.width, 3}, DType::u8);
  std::memcpy(rgb.u8(), image.pixels.data(), rgb.bytes());
  return rgb;
}

/// A data set of `count` hills; picture i is of source "a" for i < first_source, else "b".
inline void write_hills(const std::string& path, std::size_t count, std::size_t first_source,
                        std::size_t side = 40, std::uint64_t shard_bytes = 1 << 20) {
  DatasetWriter writer(path, false, shard_bytes);
  for (std::size_t i = 0; i < count; ++i) {
    Picture picture;
    picture.name = "hill " + std::to_string(i);
    picture.source = i < first_source ? "a" : "b";
    picture.content_hash = i;
    writer.add(picture, to_tensor(hills(side, side + i % 3 * 7, i)));
  }
  writer.commit();
}

inline std::uint64_t hash_of(const Tensor& t) {
  return t.dtype() == DType::u8 ? hash64(t.u8(), t.bytes()) : hash64(t.f32(), t.bytes());
}

}  // namespace tinct::test
