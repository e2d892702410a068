// Data sets: what is written is read back, and every damage is refused.
#include "train/dataset.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "tests/train/data_check.h"

using namespace tinct;
using namespace tinct::test;
namespace fs = std::filesystem;

namespace {

void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Opens the data set and reads every picture. The message of the DataError, or "accepted".
std::string refusal(const std::string& path) {
  try {
    const Dataset dataset(path);
    for (std::size_t i = 0; i < dataset.size(); ++i) dataset.read(i);
    return "accepted";
  } catch (const DataError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a data set gives back what was written, over several shards") {
  const Folder folder;
  const std::string path = folder / "set";
  {
    DatasetWriter writer(path, false, 20000);
    for (std::size_t i = 0; i < 7; ++i) {
      Picture picture;
      picture.name = "p\xC3\xA9 \"" + std::to_string(i);
      picture.source = "s" + std::to_string(i % 2);
      picture.split = i % 3 == 0 ? Split::val : Split::train;
      picture.chroma = 1.5 * static_cast<double>(i);
      picture.content_hash = ~std::uint64_t{0} - i;
      writer.add(picture, to_tensor(hills(40 + i, 61, i)));
    }
    writer.add_file("report.jsonl", "{}\n");
    CHECK_FALSE(fs::exists(path));  // nothing is there before commit
    writer.commit();
  }
  const Dataset dataset(path);
  REQUIRE(dataset.size() == 7);
  CHECK(dataset.split(Split::val) == std::vector<std::size_t>{0, 3, 6});
  CHECK(dataset.split(Split::train) == std::vector<std::size_t>{1, 2, 4, 5});
  CHECK(dataset.picture(6).shard > 1);
  for (std::size_t i = 0; i < 7; ++i) {
    const Picture& p = dataset.picture(i);
    CHECK(p.name == "p\xC3\xA9 \"" + std::to_string(i));
    CHECK(p.source == "s" + std::to_string(i % 2));
    CHECK(p.chroma == 1.5 * static_cast<double>(i));
    CHECK(p.content_hash == ~std::uint64_t{0} - i);
    CHECK(p.offset % 64 == 0);
    const Tensor read = dataset.read(i);
    REQUIRE(read.shape() == Shape{1, 40 + i, 61, 3});
    CHECK(hash_of(read) == hash_of(to_tensor(hills(40 + i, 61, i))));
  }
  CHECK_THROWS_AS(dataset.read(7), std::out_of_range);
  CHECK(fs::exists(path + "/report.jsonl"));
}

TEST_CASE("an index cut off anywhere is refused") {
  const Folder folder;
  const std::string path = folder / "set", index = path + "/index.jsonl";
  write_hills(path, 3, 2);
  const std::string good = read_file(index);
  REQUIRE(refusal(path) == "accepted");
  for (std::size_t size = 0; size < good.size(); ++size) {
    overwrite(index, good.substr(0, size));
    const std::string message = refusal(path);
    INFO(size << " of " << good.size() << ": " << message);
    CHECK(message.find(index) == 0);
  }
}

TEST_CASE("an index with any letter changed is refused") {
  const Folder folder;
  const std::string path = folder / "set", index = path + "/index.jsonl";
  write_hills(path, 2, 1);
  const std::string good = read_file(index);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    overwrite(index, bad);
    INFO("letter " << i << " of: " << bad.substr(0, 300));
    CHECK(refusal(path) != "accepted");
  }
}

TEST_CASE("a shard that is cut off, longer, changed or gone is refused, by name") {
  const Folder folder;
  const std::string path = folder / "set", shard = path + "/shard-00000.bin";
  write_hills(path, 3, 3);
  const std::string good = read_file(shard);
  for (std::size_t size = 0; size < good.size(); size += 977) {
    overwrite(shard, good.substr(0, size));
    CHECK(refusal(path).find(shard) == 0);
  }
  overwrite(shard, good + "x");
  CHECK(refusal(path).find(shard) == 0);
  std::string bad = good;
  bad[5000] = static_cast<char>(bad[5000] ^ 4);
  overwrite(shard, bad);
  CHECK(refusal(path).find("hill 1") != std::string::npos);
  fs::remove(shard);
  CHECK(refusal(path).find(shard + ": missing") == 0);
  fs::create_directory(shard);
  CHECK(refusal(path).find(shard) == 0);
}

TEST_CASE("an index whose checksum is right and whose claims are wrong is refused") {
  const Folder folder;
  const std::string path = folder / "set", index = path + "/index.jsonl";
  write_hills(path, 2, 1);
  const std::string good = read_file(index);
  const std::string body = good.substr(good.find('\n') + 1);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = body;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    char sum[17];
    std::snprintf(sum, sizeof sum, "%016llx",
                  static_cast<unsigned long long>(hash64(changed.data(), changed.size())));
    std::string header = good.substr(0, good.find('\n') + 1);
    header.replace(header.find("\"checksum\":\"") + 12, 16, sum);
    overwrite(index, header + changed);
    return refusal(path);
  };
  CHECK(with("hill 0", "hill 0") == "accepted");  // the forger is right but for the claim
  CHECK(with("\"height\":40", "\"height\":40000").find("beyond") != std::string::npos);
  CHECK(with("\"height\":40", "\"height\":4000000000").find("size") != std::string::npos);
  CHECK(with("\"height\":40", "\"height\":0").find("size") != std::string::npos);
  CHECK(with("\"height\":40", "\"height\":-1").find("size") != std::string::npos);
  CHECK(with("\"offset\":0", "\"offset\":18446744073709551615").find("beyond") !=
        std::string::npos);
  CHECK(with("\"shard\":0", "\"shard\":1").find("shard 1 of 1") != std::string::npos);
  CHECK(with("\"split\":\"train\"", "\"split\":\"tests\"").find("split") != std::string::npos);
  CHECK(with("hill 0", "hill 1").find("a second") != std::string::npos);
  CHECK(with("\"source\":\"a\",", "").find("source") != std::string::npos);
  CHECK(with(body.substr(0, body.find('\n') + 1), "").find("1 pictures") != std::string::npos);
}

TEST_CASE("what is no data set is said plainly") {
  const Folder folder;
  CHECK_THROWS_AS(Dataset(folder / "nowhere"), IoError);
  CHECK_THROWS_AS(Dataset(folder.path().string()), DataError);
  overwrite(folder / "index.jsonl", "{\"format\":\"other\"}\n");
  CHECK_THROWS_WITH(Dataset(folder.path().string()), Catch::Contains("not a tinct data set"));
  overwrite(folder / "index.jsonl", "{\"format\":\"tinct-dataset\",\"version\":2}\n");
  CHECK_THROWS_WITH(Dataset(folder.path().string()), Catch::Contains("version 2"));
}

TEST_CASE("a writer leaves nothing behind unless it commits, and replaces only when told") {
  const Folder folder;
  const std::string path = folder / "set";
  {
    DatasetWriter writer(path);
    writer.add({}, to_tensor(hills(20, 20, 1)));
  }
  CHECK(fs::is_empty(folder.path()));

  fs::create_directory(path);  // an empty folder is as good as none
  write_hills(path, 2, 1);
  CHECK_THROWS_AS(DatasetWriter(path), IoError);
  const std::uint64_t before = Dataset(path).fingerprint();
  {
    const Dataset open(path);
    DatasetWriter writer(path, true);
    writer.add({}, to_tensor(hills(20, 20, 1)));
    CHECK(Dataset(path).fingerprint() == before);
    writer.commit();
    CHECK(hash_of(open.read(1)) == hash_of(to_tensor(hills(40, 47, 1))));  // still whole
  }
  CHECK(Dataset(path).size() == 1);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);

  fs::create_directory(folder / "photos");
  overwrite(folder / "photos/mine.jpg", "x");
  CHECK_THROWS_WITH(DatasetWriter(folder / "photos", true), Catch::Contains("not a data set"));
  CHECK_THROWS_AS(DatasetWriter(folder / "photos/mine.jpg/set"), IoError);
}

TEST_CASE("the writer refuses what is not a picture") {
  const Folder folder;
  DatasetWriter writer(folder / "set");
  CHECK_THROWS_AS(writer.add({}, Tensor({1, 4, 4, 3})), std::invalid_argument);
  CHECK_THROWS_AS(writer.add({}, Tensor({1, 4, 4, 1}, DType::u8)), std::invalid_argument);
  CHECK_THROWS_AS(writer.add({}, Tensor({2, 4, 4, 3}, DType::u8)), std::invalid_argument);
  CHECK_THROWS_AS(writer.add({}, Tensor()), std::invalid_argument);
}

TEST_CASE("many threads read one data set") {
  const Folder folder;
  write_hills(folder / "set", 6, 3);
  const Dataset dataset(folder / "set");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 60; ++k) {
        const std::size_t i = (k + static_cast<std::size_t>(t)) % 6;
        if (hash_of(dataset.read(i)) != hash_of(to_tensor(hills(40, 40 + i % 3 * 7, i)))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
