// Checkpoints: killed or failing at every operation, damaged, kept, cleaned; run folders.
#include "train/checkpoint.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "tests/train/data_check.h"
#include "train/run_folder.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;
using test::Folder;

std::vector<CheckpointFile> files(long step, std::size_t bytes = 1000) {
  const std::string text(bytes, static_cast<char>('a' + step % 26));
  return {
      {"model", bytes, [=](const std::string& p) { write_file_atomically(p, text); }},
      {"state", 10, [=](const std::string& p) { write_file_atomically(p, std::to_string(step)); }}};
}

// Sets the probe to act at its k-th call; the probe goes away at the end.
struct ProbeAt {
  ProbeAt(int k, std::function<void()> act) {
    checkpoint_probe = [k, act, calls = 0](const char*) mutable {
      if (++calls == k) act();
    };
  }
  ~ProbeAt() { checkpoint_probe = nullptr; }
};

long newest(const std::string& folder) {
  const CheckpointSearch search = find_checkpoint(folder);
  return search.newest ? search.newest->step : -1;
}

std::size_t hidden(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    count += entry.path().filename().string().starts_with(".");
  }
  return count;
}

}  // namespace

TEST_CASE("checkpoints: saved, found, and all but the newest removed") {
  const Folder folder;
  const std::string root = folder.path();
  CHECK(newest(root + "/absent") == -1);
  CHECK(newest(root) == -1);
  for (long step = 10; step <= 50; step += 10) save_checkpoint(root, step, files(step), 2);
  CHECK(newest(root) == 50);
  CHECK(!fs::exists(root + "/step-00000030"));
  CHECK(fs::exists(root + "/step-00000040"));
  CHECK(fs::read_symlink(root + "/last") == "step-00000050");
  CHECK(read_file(root + "/last/state") == "50");
  CHECK(hidden(root) == 0);
  save_checkpoint(root, 50, files(51), 2);  // the same step again
  CHECK(read_file(root + "/last/state") == "51");
}

TEST_CASE("checkpoints: killed at every operation, one of the two is whole") {
  int killed = 0;
  for (int k = 1;; ++k) {
    const Folder folder;
    const std::string root = folder.path();
    save_checkpoint(root, 1, files(1), 1);
    const pid_t child = fork();
    if (child == 0) {
      const ProbeAt probe(k, [] { raise(SIGKILL); });
      save_checkpoint(root, 2, files(2), 1);
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    const long found = newest(root);
    INFO("operation " << k);
    REQUIRE((found == 1 || found == 2));
    CHECK(read_file(root + "/step-0000000" + std::to_string(found) + "/state") ==
          std::to_string(found));
    clean_checkpoints(root);
    CHECK(hidden(root) == 0);
    save_checkpoint(root, 3, files(3), 1);
    CHECK(newest(root) == 3);
    if (WIFEXITED(status)) {
      CHECK(WEXITSTATUS(status) == 0);
      CHECK(found == 2);
      break;
    }
    ++killed;
  }
  CHECK(killed >= 10);
}

TEST_CASE("checkpoints: an error at any operation before the rename leaves the folder as it was") {
  int failed = 0;
  for (int k = 1; k <= 6; ++k) {
    const Folder folder;
    const std::string root = folder.path();
    save_checkpoint(root, 1, files(1), 1);
    const ProbeAt probe(k, [] { throw IoError("no space left on device"); });
    CHECK_THROWS_AS(save_checkpoint(root, 2, files(2), 1), IoError);
    ++failed;
    CHECK(newest(root) == 1);
    CHECK(hidden(root) == 0);
  }
  CHECK(failed == 6);
}

TEST_CASE("checkpoints: damage of any file is seen, and the next older one is found") {
  const std::string name = GENERATE("model", "state", "MANIFEST.json");
  const std::string damage = GENERATE("truncated", "altered", "removed");
  INFO(name << " " << damage);
  const Folder folder;
  const std::string root = folder.path();
  save_checkpoint(root, 1, files(1), 5);
  save_checkpoint(root, 2, files(2), 5);
  const std::string path = root + "/step-00000002/" + name;
  if (damage == "truncated") fs::resize_file(path, fs::file_size(path) / 2);
  if (damage == "altered") std::fstream(path, std::ios::in | std::ios::out).put('~');
  if (damage == "removed") fs::remove(path);
  const CheckpointSearch search = find_checkpoint(root);
  REQUIRE(search.newest);
  CHECK(search.newest->step == 1);
  REQUIRE(search.damaged.size() == 1);
  CHECK_THAT(search.damaged.front(), Catch::Contains(name));
}

TEST_CASE("checkpoints: too little room is refused before anything is written") {
  const Folder folder;
  auto huge = files(1);
  huge.front().bytes = std::uint64_t{1} << 60;
  CHECK_THROWS_WITH(save_checkpoint(folder.path(), 1, huge, 1), Catch::Contains("MiB needed"));
  CHECK(hidden(folder.path()) == 0);
}

TEST_CASE("checkpoints: a write that the system refuses") {
  const Folder folder;
  save_checkpoint(folder.path(), 1, files(1), 1);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_AS(save_checkpoint(folder.path(), 2, files(2, 10000), 1), IoError);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(newest(folder.path()) == 1);
  CHECK(hidden(folder.path()) == 0);
}

TEST_CASE("run folders: an earlier run is not overwritten unless asked to") {
  const Folder folder;
  const std::string path = folder / "run";
  { const RunFolder run(path, RunMode::fresh); }
  CHECK_NOTHROW(RunFolder(folder / "run2", RunMode::resume));  // nothing to resume: a fresh start
  std::ofstream(path + "/config.toml") << "seed = 1\n";
  std::ofstream(path + "/notes.txt") << "mine\n";
  CHECK_THROWS_AS(RunFolder(path, RunMode::fresh), std::invalid_argument);
  {
    const RunFolder run(path, RunMode::resume);
    CHECK(!run.start());
    CHECK_THROWS_WITH(RunFolder(path, RunMode::resume), Catch::Contains("another process"));
    save_checkpoint(run.checkpoints(), 5, files(5), 1);
  }
  CHECK(RunFolder(path, RunMode::resume).start()->step == 5);
  {
    const RunFolder run(path, RunMode::overwrite);
    CHECK(!fs::exists(path + "/config.toml"));
    CHECK(fs::exists(path + "/notes.txt"));
    CHECK(newest(run.checkpoints()) == -1);
  }
  CHECK_THROWS_AS(RunFolder("/proc/tinct-run", RunMode::fresh), IoError);
}

TEST_CASE("run folders: damaged checkpoints alone are no reason to start over in silence") {
  const Folder folder;
  const std::string path = folder / "run";
  fs::create_directories(path + "/checkpoints/step-00000004");
  CHECK_THROWS_AS(RunFolder(path, RunMode::resume), WeightsError);
}

}  // namespace tinct
