// TensorBoard's bytes, and the step log.
#include "train/tensorboard.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/file.h"
#include "train/log.h"

namespace tinct {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char b : bytes) {
    const char* const digits = "0123456789abcdef";
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

std::string fresh_folder(const std::string& name) {
  const std::string path = TINCT_BINARY_DIR "/test-tmp/" + name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace

TEST_CASE("crc32c: the standard's check value") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(masked_crc32c("123456789") == 0xc78ab0e5u);
}

TEST_CASE("tensorboard records are TensorBoard's own bytes") {
  CHECK(hex(tensorboard_version_record(1.0)) ==
        "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
  CHECK(hex(tensorboard_scalars_record(2.0, 7, {{"loss", 0.5f}})) ==
        "1a00000000000000129bd82d09000000000000004010072a0d0a0b0a046c6f7373150000003fc33fc24a");
}

TEST_CASE("tensorboard files hold whole records, each with its checksums") {
  const std::string folder = fresh_folder("tensorboard");
  {
    TensorBoardFile file(folder);
    file.add_restart(5);
    file.add_scalars(5, {{"loss", 1.0f}, {"lr", 0.1f}});
    file.add_image(5, "samples", 2, 3, std::string(300, 'x'));
    TensorBoardFile second(folder);  // a new file, not the same one
  }
  int files = 0;
  int records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    const std::string bytes = read_file(entry.path());
    CHECK(entry.path().filename().string().starts_with("events.out.tfevents."));
    for (std::size_t at = 0; at < bytes.size(); ++records) {
      std::uint64_t length = 0;
      std::uint32_t crc = 0;
      REQUIRE(bytes.size() - at >= 12);
      std::copy_n(bytes.data() + at, 8, reinterpret_cast<char*>(&length));
      std::copy_n(bytes.data() + at + 8, 4, reinterpret_cast<char*>(&crc));
      CHECK(masked_crc32c(bytes.substr(at, 8)) == crc);
      REQUIRE(bytes.size() - at >= 16 + length);
      std::copy_n(bytes.data() + at + 12 + length, 4, reinterpret_cast<char*>(&crc));
      CHECK(masked_crc32c(bytes.substr(at + 12, length)) == crc);
      at += 16 + length;
    }
  }
  CHECK(files == 2);
  CHECK(records == 5);
}

TEST_CASE("log lines: numbers in order, nulls for what is not finite") {
  const LogEntry entry{7, {{"loss", std::nan("")}, {"lr", 0.001}, {"ms", 12.5}}, {"grey \"x\""}};
  CHECK(to_json(entry) == R"({"step":7,"loss":null,"lr":0.001,"ms":12.5,"nonfinite":["loss"],)"
                          R"("warnings":["grey \"x\""]})");
}

TEST_CASE("a resumed log drops later steps and a torn last line") {
  const std::string folder = fresh_folder("log");
  const auto write = [&](long from, long to, long last) {
    RunLog log(folder, last, {"loss", "lr"});
    for (long step = from; step <= to; ++step) {
      CHECK(log.append({step, {{"loss", 1.0 / static_cast<double>(step)}, {"lr", 1}}, {}}));
    }
  };
  write(1, 5, 0);
  std::ofstream(folder + "/log.jsonl", std::ios::app) << R"({"step":2,"loss":0.)";
  std::ofstream(folder + "/log.csv", std::ios::app) << "6,0.";
  write(4, 6, 3);
  CHECK(read_file(folder + "/log.csv") ==
        "step,loss,lr\n1,1,1\n2,0.5,1\n3,0.333333333,1\n4,0.25,1\n5,0.2,1\n6,0.166666667,1\n");
  const auto points = read_log(folder + "/log.jsonl", "loss");
  REQUIRE(points.size() == 6);
  CHECK(points[5].first == 6);
  CHECK(points[5].second == Approx(1 / 6.0));
}

}  // namespace tinct
