// `tinct colorize`: which pictures it does, where results go, and how it fails.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "models/model.h"
#include "tests/train/data_check.h"
#include "tools/colorize_plan.h"
#include "tools/exit_code.h"
#include "tools/verb.h"
#include "train/colorize.h"
#include "train/image.h"

using namespace tinct;
using namespace tinct::test;
namespace fs = std::filesystem;

namespace {

/// Runs the verb as main would, with a freshly drawn model; what it throws comes through.
class Colorize {
 public:
  Colorize() { save_model(folder / "model.safetensors", make_model("unet-small", 3)); }

  void run(const std::string& arguments) const {
    CLI::App app;
    add_colorize(app);
    const bool named = arguments.find("--model") != std::string::npos;
    app.parse("colorize --quiet --size 32 " + arguments +
              (named ? "" : " --model " + (folder / "model.safetensors")));
  }
  /// The exit code and, in `message`, the line.
  int fails(const std::string& arguments) {
    message.clear();
    try {
      run(arguments);
    } catch (const CLI::ParseError&) {
      return 2;
    } catch (const std::exception& error) {
      message = error.what();
      return static_cast<int>(exit_code(error));
    }
    return 0;
  }
  std::string picture(const std::string& name, std::uint64_t seed = 1) const {
    const std::string path = folder / name;
    fs::create_directories(fs::path(path).parent_path());
    const Image image = hills(40, 60, seed);
    if (name.ends_with(".jpg")) {
      save_jpeg(path, image);
    } else {
      save_png(path, image);
    }
    return path;
  }

  Folder folder;
  std::string message;
};

std::size_t files_below(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    count += entry.is_regular_file();
  return count;
}

}  // namespace

TEST_CASE("colorize verb: one picture to one file, its lightness kept") {
  Colorize verb;
  const std::string in = verb.picture("a.png");
  verb.run(in + " -o " + (verb.folder / "new/out.png"));
  const Image before = load_image(in), after = load_image(verb.folder / "new/out.png");
  CHECK(after.height == 40);
  CHECK(after.width == 60);
  CHECK(after.pixels != before.pixels);
  const Tensor a = lightness_of(before), b = lightness_of(after);
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::abs(a.f32()[i] - b.f32()[i]) <= .6f);
  }
  verb.run(in + " -o " + (verb.folder / "out.jpg") + " --quality 80");
  CHECK(load_image(verb.folder / "out.jpg").format == "jpeg");
  verb.run(in);
  CHECK(load_image(verb.folder / "a-colour.png").pixels == after.pixels);
  verb.run(in + " --compare -o " + (verb.folder / "pair.png"));
  CHECK(load_image(verb.folder / "pair.png").width == 120);
}

TEST_CASE("colorize verb: folders keep their names, and are gone on with") {
  Colorize verb;
  verb.picture("in/a.jpg", 1), verb.picture("in/deep/b.png", 2);
  const std::string arguments = (verb.folder / "in") + " -o " + (verb.folder / "out");
  verb.run(arguments);
  CHECK(load_image(verb.folder / "out/a.jpg").format == "jpeg");
  CHECK(load_image(verb.folder / "out/deep/b.png").format == "png");
  CHECK(files_below(verb.folder / "out") == 2);

  const auto times = [&] {
    return std::pair{fs::last_write_time(verb.folder / "out/a.jpg"),
                     fs::last_write_time(verb.folder / "out/deep/b.png")};
  };
  const auto first = times();
  verb.run(arguments);
  CHECK(times() == first);
  fs::last_write_time(verb.folder / "in/a.jpg", first.first + std::chrono::seconds(1));
  verb.run(arguments);
  CHECK(times().first > first.first);
  CHECK(times().second == first.second);
  verb.run(arguments + " --force");
  CHECK(times().second > first.second);

  // Results that lie among the pictures are no pictures.
  const std::string nested = (verb.folder / "in") + " -o " + (verb.folder / "in/colour");
  verb.run(nested), verb.run(nested);
  CHECK(files_below(verb.folder / "in/colour") == 2);
}

TEST_CASE("colorize verb: what fails is named, the rest is done") {
  Colorize verb;
  verb.picture("in/good.png");
  write_file_atomically(verb.folder / "in/bad.png", "no picture");
  const std::string out = verb.folder / "out";
  CHECK(verb.fails((verb.folder / "in") + " -o " + out) == 3);
  CHECK(verb.message == "1 of 2 pictures failed");
  CHECK(files_below(out) == 1);
  CHECK(verb.fails((verb.folder / "in/bad.png") + " -o " + out) == 3);
  CHECK(verb.message.find("bad.png: not a picture") != std::string::npos);
  CHECK(files_below(out) == 1);
  CHECK(verb.fails((verb.folder / "absent.png") + " -o " + out) == 6);
  CHECK(verb.fails("'" + (verb.folder / "none*") + "' -o " + out) == 6);
  fs::create_directories(verb.folder / "empty");
  CHECK(verb.fails((verb.folder / "empty") + " -o " + out) == 3);
}

TEST_CASE("colorize verb: the picture itself is never replaced, nor another's result") {
  Colorize verb;
  const std::string in = verb.picture("in/a.png"), other = verb.picture("other/a.png", 9);
  const std::string before = read_file(in);
  CHECK(verb.fails(in + " -o " + in) == 2);
  CHECK(verb.fails(in + " -o " + (verb.folder / "in")) == 2);
  CHECK(read_file(in) == before);
  CHECK(verb.fails(in + " " + other + " -o " + (verb.folder / "out")) == 2);
  CHECK(verb.message == "1 of 2 pictures failed");
  CHECK(files_below(verb.folder / "out") == 1);
}

TEST_CASE("colorize verb: results that cannot be written end the run, and leave nothing") {
  Colorize verb;
  const std::string in = verb.picture("a.png");
  write_file_atomically(verb.folder / "file", "x");
  CHECK(verb.fails(in + " -o " + (verb.folder / "file/out.png")) == 6);
  fs::create_directories(verb.folder / "out/a.png/taken");  // a folder of the result's name
  CHECK(verb.fails(in + " -o " + (verb.folder / "out")) == 6);
  CHECK(files_below(verb.folder / "out") == 0);
}

TEST_CASE("colorize verb: a model that answers nonsense makes no picture") {
  Colorize verb;
  const std::string in = verb.picture("a.png");
  Model model = make_model("unet-small", 3);
  for (Parameter& p : model.parameters) p.value.mutable_data().fill(0);
  save_model(verb.folder / "zero.safetensors", model);
  const std::string out = verb.folder / "out.png";
  CHECK(verb.fails(in + " -o " + out + " --model " + (verb.folder / "zero.safetensors")) == 7);
  CHECK(!fs::exists(out));
  write_file_atomically(verb.folder / "cut.safetensors",
                        read_file(verb.folder / "model.safetensors").substr(0, 5000));
  CHECK(verb.fails(in + " -o " + out + " --model " + (verb.folder / "cut.safetensors")) == 4);
  CHECK(verb.fails(in + " -o " + out + " --model " + (verb.folder / "absent")) == 6);
  CHECK(!fs::exists(out));
}

TEST_CASE("colorize verb: a map of the uncertainty, beside one picture or in a folder") {
  Colorize verb;
  save_model(verb.folder / "bins.safetensors", make_model("unet-small-bins", 3));
  const std::string bins = " --model " + (verb.folder / "bins.safetensors");
  const std::string in = verb.picture("in/a.jpg"), deep = verb.picture("in/deep/b.png", 2);
  const std::string maps = verb.folder / "maps", map = verb.folder / "new/map.png";
  verb.run(in + " -o " + (verb.folder / "a.png") + " --uncertainty " + map + bins);
  const Image image = load_image(map);
  CHECK(image.channels == 1);
  CHECK(image.bits == 8);
  CHECK((image.height == 40 && image.width == 60));
  // Fresh weights know nothing: faded or not is not the same.
  verb.run(in + " -o " + (verb.folder / "b.png") + " --no-fade" + bins);
  CHECK(load_image(verb.folder / "a.png").pixels != load_image(verb.folder / "b.png").pixels);

  const std::string folder = (verb.folder / "in") + bins + " -o ";
  verb.run(folder + (verb.folder / "out") + " --uncertainty " + maps);
  CHECK(fs::exists(maps + "/a.png"));
  CHECK(fs::exists(maps + "/deep/b.png"));
  CHECK(files_below(maps) == 2);
  // A map that is missing is made, one that is there is left.
  const auto result = fs::last_write_time(verb.folder / "out/deep/b.png");
  fs::remove(maps + "/a.png");
  verb.run(folder + (verb.folder / "out") + " --uncertainty " + maps);
  CHECK(files_below(maps) == 2);
  CHECK(fs::last_write_time(verb.folder / "out/deep/b.png") == result);
  // Maps that lie among the pictures are no pictures.
  const std::string nested =
      folder + (verb.folder / "in/o") + " --uncertainty " + (verb.folder / "in/m");
  verb.run(nested), verb.run(nested);
  CHECK(files_below(verb.folder / "in/o") == 2);
  CHECK(files_below(verb.folder / "in/m") == 2);

  const std::string out = " -o " + (verb.folder / "no");
  CHECK(verb.fails(in + " " + deep + bins + out + " --uncertainty " + map) == 2);
  CHECK(verb.message.find("several pictures: name a folder") != std::string::npos);
  CHECK(verb.fails(in + bins + out + " --uncertainty " + (verb.folder / "map.jpg")) == 2);
  CHECK(verb.message.find("must end in .png") != std::string::npos);
  CHECK(verb.fails(in + out + " --uncertainty " + map) == 2);
  CHECK(verb.message.find("colour bins") != std::string::npos);
  CHECK(verb.fails(in + bins + " -o " + (verb.folder / "c.png") + " --uncertainty " +
                   (verb.folder / "c.png")) == 2);
  CHECK(verb.fails(deep + bins + out + " --uncertainty " + deep) == 2);
  CHECK(!fs::exists(verb.folder / "no"));
}

TEST_CASE("colorize verb: --saturation auto needs a model that knows what it learnt from") {
  Colorize verb;
  const std::string in = verb.picture("a.png"), out = verb.folder / "out.png";
  CHECK(verb.fails(in + " -o " + out + " --saturation auto") == 2);
  CHECK(verb.message.find("train_colourfulness") != std::string::npos);
  Model model = make_model("unet-small", 3);
  model.info.train_colourfulness = 60;  // beyond what these weights can reach
  save_model(verb.folder / "known.safetensors", model);
  const std::string known = " --model " + (verb.folder / "known.safetensors");
  verb.run(in + known + " -o " + out + " --saturation auto");
  const Image automatic = load_image(out);
  verb.run(in + known + " -o " + out + " --saturation 2.5");
  CHECK(load_image(out).pixels == automatic.pixels);
  CHECK(verb.fails(in + " --saturation automatic -o " + out) == 2);
}

TEST_CASE("colorize verb: nonsense options are refused") {
  Colorize verb;
  const std::string in = verb.picture("a.png");
  for (const char* option :
       {"--quality 0", "--quality 101", "--size 2", "--saturation -1", "--saturation nan",
        "--format gif", "--max-megapixels 0", "--colour", "-o out.webp"}) {
    INFO(option);
    CHECK(verb.fails(in + " " + option) == 2);
  }
  CHECK(verb.fails("") == 2);
  CHECK(verb.fails(in + " -o x.png --format jpeg") == 2);
  CHECK(verb.fails(in + " " + in + "x -o " + (verb.folder / "o.png")) == 2);
  CHECK(verb.fails(verb.folder.path().string()) == 2);  // a folder, and no -o
  CHECK(verb.fails(in + " --max-megapixels 0.01 -o " + (verb.folder / "o.png")) == 0);
  save_png(verb.folder / "large.png", hills(101, 101, 1));
  CHECK(verb.fails((verb.folder / "large.png") + " --max-megapixels 0.01 -o " +
                   (verb.folder / "p.png")) == 3);
}

TEST_CASE("colorize plan: patterns, formats and names") {
  Colorize verb;
  verb.picture("in/a.jpg"), verb.picture("in/b.png");
  write_file_atomically(verb.folder / "in/c.bmp", "x");
  const std::string in = verb.folder / "in", out = verb.folder / "out";
  const auto outputs = [&](const std::vector<std::string>& inputs, const std::string& format) {
    std::vector<std::string> names;
    for (const ColorizeJob& job : plan_colorize(inputs, out, format, false).jobs) {
      names.push_back(fs::path(job.output).filename().string() + (job.jpeg ? " jpeg" : " png"));
      CHECK(job.problem.empty());
    }
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(outputs({in}, "") == Names{"a.jpg jpeg", "b.png png", "c.png png"});
  CHECK(outputs({in}, "png") == Names{"a.png png", "b.png png", "c.png png"});
  CHECK(outputs({in}, "jpeg") == Names{"a.jpg jpeg", "b.jpg jpeg", "c.jpg jpeg"});
  CHECK(outputs({in + "/*.[jp][pn]g"}, "") == Names{"a.jpg jpeg", "b.png png"});
  // A file whose name looks like a pattern is that file.
  verb.picture("in/d[1].png");
  CHECK(outputs({in + "/d[1].png"}, "") == Names{"d[1].png png"});
  // Two folders keep apart.
  verb.picture("more/a.jpg");
  const ColorizePlan both = plan_colorize({in, verb.folder / "more"}, out, "", false);
  CHECK(both.jobs.size() == 5);
  CHECK(both.jobs.front().output == out + "/in/a.jpg");
  CHECK(both.jobs.back().output == out + "/more/a.jpg");
}
