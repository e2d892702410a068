// Files that are never half there.
#include "core/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"

using namespace tinct;
namespace fs = std::filesystem;

TEST_CASE("an atomic write replaces the file whole or leaves it as it was") {
  const fs::path folder = fs::temp_directory_path() / ("tinct-file-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string path = (folder / "f").string();
  write_file_atomically(path, "one");
  {
    AtomicFile abandoned(path);
    abandoned.write("half", 4);
  }
  CHECK(read_file(path) == "one");
  write_file_atomically(path, std::string(100000, 'x'));
  CHECK(read_file(path).size() == 100000);
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  CHECK_THROWS_AS(read_file(path, 1000), IoError);
  CHECK_THROWS_AS(write_file_atomically((folder / "no" / "f").string(), "x"), IoError);
  CHECK_THROWS_WITH(write_file_atomically((folder / "no" / "f").string(), "x"),
                    Catch::Contains("No such file"));
  fs::remove_all(folder);
}

TEST_CASE("reading refuses what is not a regular file") {
  CHECK_THROWS_AS(read_file("/dev/zero"), IoError);
  CHECK_THROWS_AS(read_file("/tmp"), IoError);
  CHECK_THROWS_AS(read_file("/nonexistent/file"), IoError);
}
