// Preparing data sets: every reason to leave a picture out, the split, the report.
#include "train/prepare.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/threads.h"
#include "kernels/colour.h"
#include "tests/train/data_check.h"
#include "train/duplicates.h"
#include "train/find_pictures.h"
#include "train/resize.h"

using namespace tinct;
using namespace tinct::test;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A picture of one tone: hills in lightness, with the hue of old paper.
Image toned(std::size_t height, std::size_t width, double a, double b, std::uint64_t seed = 77) {
  Image image = hills(height, width, seed);
  for (std::size_t p = 0; p < image.area(); ++p) {
    const double l = 30 + image.pixels[3 * p] * 0.2;
    const ref::Colour rgb = ref::lab_to_srgb({l, a, b});
    for (std::size_t c = 0; c < 3; ++c) {
      image.pixels[3 * p + c] = static_cast<std::uint8_t>(std::lround(255 * rgb[c]));
    }
  }
  return image;
}

PrepareOptions options_for(const Folder& folder, const std::string& source = "in") {
  PrepareOptions options;
  options.sources = {folder / source};
  options.output = folder / "out";
  options.size = 96;
  options.min_side = 64;
  options.jobs = 2;
  return options;
}

std::map<std::string, nlohmann::json> report_of(const Folder& folder) {
  std::map<std::string, nlohmann::json> report;
  std::ifstream file(folder / "out/report.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto object = nlohmann::json::parse(line);
    report[object["name"]] = object;
  }
  return report;
}

std::map<std::string, Split> splits_of(const std::string& path) {
  const Dataset dataset(path);
  std::map<std::string, Split> splits;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const std::string name = dataset.picture(i).name;
    splits[name.substr(name.rfind('/') + 1)] = dataset.picture(i).split;
  }
  return splits;
}

}  // namespace

TEST_CASE("every reason to leave a picture out is given") {
  const Folder folder;
  fs::create_directories(folder / "in/deep/er");
  save_png(folder / "in/good.png", hills(120, 200, 1));
  save_jpeg(folder / "in/deep/er/good too.jpg", hills(200, 120, 2));
  save_png(folder / "in/small.png", hills(63, 100, 3));
  save_png(folder / "in/narrow.png", hills(64, 600, 4));
  Image grey = make_image(100, 100, 3);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    grey.pixels[i] = static_cast<std::uint8_t>(i / 3 % 251);
  }
  save_png(folder / "in/grey.png", grey);
  save_jpeg(folder / "in/grey jpeg.jpg", grey, 80);
  Image one_channel = make_image(100, 100, 1);
  one_channel.pixels = std::vector<std::uint8_t>(10000, 9);
  save_png(folder / "in/grey one.png", one_channel);
  save_png(folder / "in/sepia.png", toned(100, 100, 6, 22));
  save_png(folder / "in/tint.png", toned(100, 100, -1, -9));
  Image holes = hills(100, 100, 5);
  holes.alpha.assign(10000, 255);
  std::fill_n(holes.alpha.begin(), 200, std::uint16_t{0});
  save_png(folder / "in/holes.png", holes);
  write(folder / "in/broken.jpg", read_file(folder / "in/deep/er/good too.jpg").substr(0, 700));
  write(folder / "in/text.png", "no picture at all");
  write(folder / "in/empty.jpeg", "");
  write(folder / "in/notes.txt", "not looked at");
  fs::copy(folder / "in/good.png", folder / "in/zz copy.png");
  save_png(folder / "in/zz other bytes.png", hills(120, 200, 1), 1);
  save_jpeg(folder / "in/zz recompressed.jpg", hills(120, 200, 1), 85);
  save_png(folder / "in/zz resized.png", resize(hills(120, 200, 1), 90, 150));
  fs::create_symlink(folder / "nowhere", folder / "in/dangling.png");
  fs::create_directory_symlink(folder / "in", folder / "in/deep/loop");

  const PrepareResult result = prepare(options_for(folder));
  CHECK(result.found == 18);
  CHECK(result.train + result.val == 2);
  const std::map<std::string, std::size_t> expected = {
      {"broken", 3},         {"duplicate", 2},   {"grey", 3},
      {"near duplicate", 2}, {"too narrow", 1},  {"too small", 1},
      {"toned", 2},          {"transparent", 1}, {"unreadable", 1}};
  CHECK(result.dropped == expected);

  auto report = report_of(folder);
  REQUIRE(report.size() == 18);
  const std::map<std::string, std::string> reasons = {{"small.png", "too small"},
                                                      {"narrow.png", "too narrow"},
                                                      {"grey.png", "grey"},
                                                      {"grey jpeg.jpg", "grey"},
                                                      {"grey one.png", "grey"},
                                                      {"sepia.png", "toned"},
                                                      {"tint.png", "toned"},
                                                      {"holes.png", "transparent"},
                                                      {"broken.jpg", "broken"},
                                                      {"text.png", "broken"},
                                                      {"empty.jpeg", "broken"},
                                                      {"zz copy.png", "duplicate"},
                                                      {"zz other bytes.png", "duplicate"},
                                                      {"zz recompressed.jpg", "near duplicate"},
                                                      {"zz resized.png", "near duplicate"},
                                                      {"dangling.png", "unreadable"}};
  for (const auto& [name, reason] : reasons) {
    INFO(name << ": " << report[name].dump());
    CHECK(report[name]["kept"] == false);
    CHECK(report[name]["reason"] == reason);
    CHECK_FALSE(report[name]["detail"].get<std::string>().empty());
  }
  CHECK(report["zz resized.png"]["detail"] == "of good.png");
  CHECK(report["good.png"]["kept"] == true);

  const Dataset dataset(folder / "out");
  REQUIRE(dataset.size() == 2);
  CHECK(dataset.picture(0).name == "deep/er/good too.jpg");
  CHECK(dataset.picture(0).source == "deep");
  CHECK(dataset.picture(0).width == 96);
  CHECK(dataset.picture(0).height == 160);
  CHECK(dataset.picture(1).source == "in");
  const Tensor expected_pixels = to_tensor(resize(hills(120, 200, 1), 96, 160));
  CHECK(hash_of(dataset.read(1)) == hash_of(expected_pixels));
}

TEST_CASE("a little colour in a grey picture counts, and thresholds are the user's") {
  const Folder folder;
  fs::create_directory(folder / "in");
  Image image = toned(100, 100, 0, 0);
  for (std::size_t i = 0; i < 60; ++i) image.pixels[i * 3] = 255;  // a red streak: 0.6 %
  save_png(folder / "in/streak.png", image);
  save_png(folder / "in/grey.png", toned(100, 100, 0, 0, 78));
  save_png(folder / "in/small.png", hills(10, 10, 1));
  CHECK(prepare(options_for(folder)).dropped["grey"] == 1);
  PrepareOptions options = options_for(folder);
  options.output = folder / "all";
  options.min_chroma = options.min_tone_spread = 0;
  options.min_side = 1;
  CHECK(prepare(options).dropped.empty());
  const Dataset dataset(folder / "all");
  CHECK(dataset.picture(1).name == "small.png");
  CHECK(dataset.picture(1).width == 10);  // nothing is enlarged
}

TEST_CASE("a picture's side of the split never changes because of others, names or size") {
  const Folder folder;
  fs::create_directories(folder / "in");
  for (int i = 0; i < 40; ++i) {
    save_jpeg(folder / ("in/p" + std::to_string(i) + ".jpg"), hills(70, 80, i + 100u));
  }
  PrepareOptions options = options_for(folder);
  const PrepareResult result = prepare(options);
  const auto before = splits_of(options.output);
  REQUIRE(before.size() == 40);
  CHECK(result.val >= 4);  // 0.3 of 40, give or take 2.8 standard deviations
  CHECK(result.val <= 20);

  fs::create_directories(folder / "in/new");
  for (int i = 0; i < 30; ++i) {
    save_jpeg(folder / ("in/new/a" + std::to_string(i) + ".jpg"), hills(70, 80, i + 200u));
  }
  fs::rename(folder / "in/p3.jpg", folder / "in/new/renamed.jpg");
  fs::remove(folder / "in/p4.jpg");
  options.output = folder / "more";
  options.size = 64;
  prepare(options);
  const auto after = splits_of(options.output);
  REQUIRE(after.size() == 69);
  for (const auto& [name, split] : before) {
    if (name == "p4.jpg") continue;
    CHECK(after.at(name == "p3.jpg" ? "renamed.jpg" : name) == split);
  }

  // A larger share takes more, and none back; 0 and 1 are all or nothing.
  options.output = folder / "half";
  options.holdout = 0.5;
  prepare(options);
  for (const auto& [name, split] : splits_of(options.output)) {
    if (after.at(name) == Split::val) CHECK(split == Split::val);
  }
  options.output = folder / "none";
  options.holdout = 0;
  CHECK(prepare(options).val == 0);
  options.output = folder / "every";
  options.holdout = 1;
  const PrepareResult every = prepare(options);
  CHECK(every.train == 0);
  CHECK(every.warnings.size() == 1);
}

TEST_CASE("a list decides the split, and of duplicates the one in training goes") {
  const Folder folder;
  for (const char* package : {"a", "b", "c"})
    fs::create_directories(folder / ("in/" + std::string(package)));
  save_png(folder / "in/a/1.png", hills(70, 80, 1));
  save_png(folder / "in/a/2.png", hills(70, 80, 2));
  save_png(folder / "in/b/3.png", hills(70, 80, 3));
  save_png(folder / "in/b/4.png", hills(70, 80, 1));  // the same as a/1.png
  save_png(folder / "in/c/5.png", hills(70, 80, 5));
  save_png(folder / "in/c/6.png", hills(70, 80, 6));
  PrepareOptions options = options_for(folder);
  options.val_list = folder / "list";
  write(options.val_list, "# for validation\n\nb/\r\n./c/6.png\nnone.png\n");
  const PrepareResult result = prepare(options);
  CHECK(result.dropped == std::map<std::string, std::size_t>{{"duplicate", 1}});
  const std::map<std::string, Split> expected = {{"2.png", Split::train},
                                                 {"3.png", Split::val},
                                                 {"4.png", Split::val},
                                                 {"5.png", Split::train},
                                                 {"6.png", Split::val}};
  CHECK(splits_of(options.output) == expected);
  CHECK(result.sources == std::map<std::string, std::size_t>{{"a", 1}, {"b", 2}, {"c", 2}});

  write(options.val_list, "x\n");
  options.output = folder / "other";
  CHECK_THROWS_WITH(prepare(options), Catch::Contains("names no picture"));
  options.val_list = folder / "absent";
  CHECK_THROWS_AS(prepare(options), IoError);
  CHECK_FALSE(fs::exists(folder / "other"));
}

TEST_CASE("several sources keep names apart, and overlapping ones do not double") {
  const Folder folder;
  fs::create_directories(folder / "x/same");
  fs::create_directories(folder / "y/same");
  save_png(folder / "x/same/p.png", hills(70, 80, 1));
  save_png(folder / "y/same/p.png", hills(70, 80, 2));
  const FoundPictures found =
      find_pictures({folder / "x/same", folder / "y/same/", folder / "x", folder / "y/same/p.png"});
  REQUIRE(found.pictures.size() == 2);
  CHECK(found.pictures[0].name == "same/p.png");
  CHECK(found.pictures[1].name == "same/p.png (2)");
  CHECK(found.pictures[0].source == "same");
  CHECK_THROWS_AS(find_pictures({folder / "z"}), IoError);
  fs::create_directories(folder / "bytes");
  save_png(folder / "bytes/\xff\xfe.png", hills(70, 80, 3));
  CHECK(find_pictures({folder / "bytes"}).pictures.at(0).name == "\xEF\xBF\xBD\xEF\xBF\xBD.png");
}

TEST_CASE("the data set is the same bytes for any number of jobs and threads") {
  const Folder folder;
  fs::create_directory(folder / "in");
  for (int i = 0; i < 12; ++i) {
    save_jpeg(folder / ("in/" + std::to_string(i) + ".jpg"), hills(100, 130, i % 10));
  }
  std::set<std::uint64_t> fingerprints;
  const int before = threads();
  for (const int jobs : {1, 2, 7}) {
    set_threads(jobs == 2 ? 1 : 3);
    PrepareOptions options = options_for(folder);
    options.jobs = jobs;
    options.overwrite = true;
    prepare(options);
    fingerprints.insert(Dataset(options.output).fingerprint());
  }
  set_threads(before);
  CHECK(fingerprints.size() == 1);
}

TEST_CASE("where nothing is usable, or the work is stopped, nothing is left") {
  const Folder folder;
  fs::create_directory(folder / "in");
  PrepareOptions options = options_for(folder);
  CHECK_THROWS_AS(prepare(options), DataError);
  write(folder / "in/a.png", "rubbish");
  save_png(folder / "in/b.png", toned(100, 100, 0, 0));
  CHECK_THROWS_WITH(prepare(options),
                    Catch::Contains("no usable picture among 2: 1 broken, 1 grey"));
  save_png(folder / "in/c.png", hills(100, 100, 1));
  struct Stop {};
  options.progress = [](std::size_t done, std::size_t total) {
    CHECK(total == 3);
    if (done == 3) throw Stop{};
  };
  CHECK_THROWS_AS(prepare(options), Stop);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  options.progress = nullptr;
  prepare(options);
  CHECK_THROWS_AS(prepare(options), IoError);  // it is there already
  options.overwrite = true;
  fs::remove(folder / "in/c.png");
  CHECK_THROWS_AS(prepare(options), DataError);
  CHECK(Dataset(options.output).size() == 1);  // the old one stays
}

TEST_CASE("prepare refuses nonsense") {
  const Folder folder;
  fs::create_directory(folder / "in");
  const auto refused = [&](auto change) {
    PrepareOptions options = options_for(folder);
    change(options);
    CHECK_THROWS_AS(prepare(options), std::invalid_argument);
  };
  refused([](PrepareOptions& o) { o.sources.clear(); });
  refused([](PrepareOptions& o) { o.output.clear(); });
  refused([](PrepareOptions& o) { o.size = 0; });
  refused([](PrepareOptions& o) { o.holdout = 1.5; });
  refused([](PrepareOptions& o) { o.holdout = std::nan(""); });
  refused([](PrepareOptions& o) { o.min_chroma = -1; });
  refused([](PrepareOptions& o) { o.jobs = 0; });
}

TEST_CASE("near duplicates are the same picture, not merely alike") {
  const Image image = hills(100, 150, 1);
  const PictureFingerprint f = fingerprint(image);
  CHECK(near_duplicates(f, fingerprint(resize(image, 60, 90))));
  Image lighter = image;
  for (std::uint8_t& p : lighter.pixels) p = static_cast<std::uint8_t>(std::min(255, p + 3));
  CHECK(near_duplicates(f, fingerprint(lighter)));
  Image redder = image;  // the same shapes in other colours
  for (std::size_t p = 0; p < redder.area(); ++p)
    std::swap(redder.pixels[3 * p], redder.pixels[3 * p + 2]);
  CHECK_FALSE(near_duplicates(f, fingerprint(redder)));
  Image mirrored = image;
  for (std::size_t y = 0; y < 100; ++y) {
    for (std::size_t x = 0; x < 150 * 3; ++x) {
      mirrored.pixels[y * 450 + x] = image.pixels[y * 450 + (149 - x / 3) * 3 + x % 3];
    }
  }
  CHECK_FALSE(near_duplicates(f, fingerprint(mirrored)));
  int alike = 0;
  for (std::uint64_t seed = 2; seed < 200; ++seed) {
    alike += near_duplicates(f, fingerprint(hills(100, 150, seed)));
  }
  CHECK(alike == 0);
  // Flat pictures share a difference hash; their colours still tell them apart.
  CHECK_FALSE(near_duplicates(fingerprint(make_image(64, 64, 3)), [] {
    Image white = make_image(64, 64, 3);
    std::fill(white.pixels.begin(), white.pixels.end(), std::uint8_t{255});
    return fingerprint(white);
  }()));
}
