// Preparing a data set.
#include "train/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/text.h"
#include "kernels/colour.h"
#include "train/dataset.h"
#include "train/duplicates.h"
#include "train/find_pictures.h"
#include "train/image.h"
#include "train/ordered_pipeline.h"
#include "train/resize.h"

namespace tinct {
namespace {

constexpr std::size_t most_aspect = 8;

// A file's verdict and, when it may be kept, what will be stored.
struct Candidate {
  Drop drop = Drop::none;
  std::string detail;
  std::uint64_t content_hash = 0;
  std::size_t width = 0, height = 0;  // as decoded
  double chroma = 0, tone_spread = 0;
  PictureFingerprint fingerprint;
  Tensor rgb;
};

std::string sizes(std::size_t width, std::size_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

bool transparent(const Image& image) {
  const std::uint16_t opaque = image.bits == 16 ? 65535 : 255;
  const auto holes = std::count_if(image.alpha.begin(), image.alpha.end(),
                                   [&](std::uint16_t a) { return a < opaque; });
  return static_cast<std::size_t>(holes) * 100 > image.area();
}

// Mean chroma, and how far ab strays from its mean at the same lightness (32 bins of L).
void colour_statistics(const Image& image, Candidate& candidate) {
  struct Bin {
    double count = 0, a = 0, b = 0, squares = 0;
  };
  std::array<Bin, 32> bins;
  const std::size_t pixels = image.area();
  Workspace<float> lab(pixels * 3);
  cpu::srgb_to_lab(pixels, image.pixels.data(), lab.data());
  double chroma = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    const double l = lab[3 * i], a = lab[3 * i + 1], b = lab[3 * i + 2];
    Bin& bin = bins[static_cast<std::size_t>(std::clamp(l * 0.32, 0.0, 31.0))];
    bin.count += 1;
    bin.a += a;
    bin.b += b;
    bin.squares += a * a + b * b;
    chroma += std::sqrt(a * a + b * b);
  }
  double strayed = 0;
  for (const Bin& bin : bins) {
    if (bin.count > 0) strayed += bin.squares - (bin.a * bin.a + bin.b * bin.b) / bin.count;
  }
  candidate.chroma = chroma / static_cast<double>(pixels);
  candidate.tone_spread = std::sqrt(std::max(0.0, strayed) / static_cast<double>(pixels));
}

Image shrunk(const Image& image, std::size_t size) {
  const std::size_t shorter = std::min(image.height, image.width);
  if (shorter <= size) return to_rgb8(image);
  const auto scaled = [&](std::size_t side) { return (side * size + shorter / 2) / shorter; };
  return to_rgb8(resize(image, scaled(image.height), scaled(image.width)));
}

Candidate dropped(Candidate candidate, Drop drop, std::string detail) {
  candidate.drop = drop;
  candidate.detail = std::move(detail);
  return candidate;
}

// All that can be said about a file without knowing the others.
Candidate examine(const FoundPicture& found, const PrepareOptions& o) {
  Candidate c;
  Image image;
  try {
    const std::string bytes = read_file(found.path, DecodeLimits{}.file_bytes);
    c.content_hash = hash64(bytes.data(), bytes.size());
    image = decode_image(bytes, found.path, {}, std::max(o.size, o.min_side));
  } catch (const IoError& error) {
    return dropped(std::move(c), Drop::unreadable, error.what());
  } catch (const DataError& error) {
    return dropped(std::move(c), Drop::broken, error.what());
  }
  c.width = image.width;
  c.height = image.height;
  const std::size_t shorter = std::min(c.width, c.height), longer = std::max(c.width, c.height);
  if (shorter < o.min_side) {
    return dropped(
        std::move(c), Drop::too_small,
        sizes(image.width, image.height) + ", short side below " + std::to_string(o.min_side));
  }
  if (longer > most_aspect * shorter) {
    return dropped(std::move(c), Drop::too_narrow, sizes(image.width, image.height));
  }
  if (image.channels == 1) return dropped(std::move(c), Drop::grey, "a grey picture");
  if (transparent(image)) return dropped(std::move(c), Drop::transparent, "partly transparent");
  image = shrunk(image, o.size);
  colour_statistics(image, c);
  if (!(std::max(c.chroma, c.tone_spread) >= o.min_chroma)) {
    const std::string detail =
        "mean chroma " + printed("%.2f", c.chroma) + ", below " + printed("%.2f", o.min_chroma);
    return dropped(std::move(c), Drop::grey, detail);
  }
  if (!(c.tone_spread >= o.min_tone_spread)) {
    const std::string detail = "one tone: colours stray from it by " +
                               printed("%.2f", c.tone_spread) + ", below " +
                               printed("%.2f", o.min_tone_spread);
    return dropped(std::move(c), Drop::toned, detail);
  }
  c.fingerprint = fingerprint(image);
  c.rgb = Tensor({1, image.height, image.width, 3}, DType::u8);
  std::memcpy(c.rgb.u8(), image.pixels.data(), c.rgb.bytes());
  return c;
}

void check(const PrepareOptions& o) {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(std::string("prepare: ") + what);
  };
  require(!o.sources.empty(), "no source");
  require(!o.output.empty(), "no output");
  require(o.size >= 16 && o.size <= 4096, "size must be within 16..4096");
  require(o.min_side >= 1, "min-side must be at least 1");
  require(o.holdout >= 0 && o.holdout <= 1, "holdout must be within 0..1");
  require(o.min_chroma >= 0, "min-chroma must not be negative");
  require(o.min_tone_spread >= 0, "min-tone-spread must not be negative");
  require(o.jobs >= 1 && o.jobs <= 1024, "jobs must be within 1..1024");
}

// Judges the candidates in order, writes those that stay, and keeps the report.
class Collector {
 public:
  explicit Collector(const PrepareOptions& options)
      : options_(options), writer_(options.output, options.overwrite) {}

  void take(const FoundPicture& found, bool listed, Candidate c) {
    if (c.drop == Drop::none) {
      const DuplicateFilter::Match match = duplicates_.find(c.fingerprint);
      if (!match.name.empty()) {
        c.drop = match.exact ? Drop::duplicate : Drop::near_duplicate;
        c.detail = "of " + match.name;
      }
    }
    const bool val = options_.val_list.empty() ? drawn(c.content_hash) : listed;
    report(found, val, c);
    if (c.drop != Drop::none) {
      ++result_.dropped[to_string(c.drop)];
      return;
    }
    duplicates_.keep(c.fingerprint, found.name);
    Picture picture;
    picture.name = found.name;
    picture.source = found.source;
    picture.split = val ? Split::val : Split::train;
    picture.chroma = c.chroma;
    picture.content_hash = c.content_hash;
    writer_.add(picture, c.rgb);
    ++(val ? result_.val : result_.train);
    ++result_.sources[found.source];
  }

  void note(const std::string& warning) { result_.warnings.push_back(warning); }

  PrepareResult finish(std::size_t found) {
    result_.found = found;
    if (result_.train + result_.val == 0) {
      std::string reasons;
      for (const auto& [reason, count] : result_.dropped) {
        reasons += (reasons.empty() ? ": " : ", ") + std::to_string(count) + " " + reason;
      }
      throw DataError("no usable picture among " + std::to_string(found) + reasons +
                      (found == 1 ? " (" + last_detail_ + ")" : ""));
    }
    if (result_.train == 0) note("every picture went to validation: there is none to train on");
    writer_.add_file("report.jsonl", report_);
    writer_.commit();
    return std::move(result_);
  }

 private:
  bool drawn(std::uint64_t content_hash) const {
    return static_cast<double>(content_hash >> 11) * 0x1p-53 < options_.holdout;
  }

  void report(const FoundPicture& found, bool val, const Candidate& c) {
    nlohmann::ordered_json line;
    line["file"] = found.path;
    line["name"] = found.name;
    line["kept"] = c.drop == Drop::none;
    if (c.drop == Drop::none) {
      line["split"] = to_string(val ? Split::val : Split::train);
    } else {
      line["reason"] = to_string(c.drop);
      line["detail"] = c.detail;
      last_detail_ = c.detail;
    }
    if (c.width > 0) {
      line["decoded"] = {c.width, c.height};
      line["chroma"] = std::round(c.chroma * 100) / 100;
      line["tone_spread"] = std::round(c.tone_spread * 100) / 100;
    }
    report_ += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  const PrepareOptions& options_;
  DatasetWriter writer_;
  DuplicateFilter duplicates_;
  PrepareResult result_;
  std::string report_, last_detail_;
};

}  // namespace

const char* to_string(Drop drop) {
  switch (drop) {
    case Drop::none:
      return "kept";
    case Drop::unreadable:
      return "unreadable";
    case Drop::broken:
      return "broken";
    case Drop::too_small:
      return "too small";
    case Drop::too_narrow:
      return "too narrow";
    case Drop::transparent:
      return "transparent";
    case Drop::grey:
      return "grey";
    case Drop::toned:
      return "toned";
    case Drop::duplicate:
      return "duplicate";
    case Drop::near_duplicate:
      return "near duplicate";
  }
  return "";
}

PrepareResult prepare(const PrepareOptions& options) {
  check(options);
  FoundPictures found = find_pictures(options.sources);
  std::vector<FoundPicture>& pictures = found.pictures;
  std::size_t listed = 0;
  if (!options.val_list.empty()) {
    const PictureList list(options.val_list);
    const auto train =
        std::stable_partition(pictures.begin(), pictures.end(),
                              [&](const FoundPicture& picture) { return list.contains(picture); });
    listed = static_cast<std::size_t>(train - pictures.begin());
    if (listed == 0 && !pictures.empty()) {
      throw DataError(options.val_list + ": names no picture of the sources");
    }
  }
  Collector collector(options);
  for (const std::string& folder : found.unreadable) collector.note(folder);
  ordered_pipeline(
      pictures.size(), static_cast<std::size_t>(options.jobs),
      [&](std::size_t i) { return examine(pictures[i], options); },
      [&](std::size_t i, Candidate candidate) {
        collector.take(pictures[i], i < listed, std::move(candidate));
        if (options.progress) options.progress(i + 1, pictures.size());
      });
  return collector.finish(pictures.size());
}

}  // namespace tinct
