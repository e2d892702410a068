// Inputs to jobs: files, folders and patterns, and the names of results.
#include "tools/colorize_plan.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "tools/exit_code.h"
#include "train/find_pictures.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool is_jpeg_name(const fs::path& path) {
  static constexpr const char* names[] = {".jpg", ".jpeg", ".jpe", ".jfif"};
  const std::string extension = lower_extension(path);
  return std::find(std::begin(names), std::end(names), extension) != std::end(names);
}

bool is_png_name(const fs::path& path) {
  return lower_extension(path) == ".png";
}

/// What a pattern matches, or the word itself where it names a file or is no pattern.
std::vector<std::string> expand(const std::string& word) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(word, error)) ||
      word.find_first_of("*?[") == std::string::npos) {
    return {word};
  }
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(word.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  if (paths.empty()) throw IoError(word + ": nothing matches");
  return paths;
}

/// The name of a result, given that of its picture: what encodes it, and an extension to match.
fs::path named(fs::path name, const std::string& format) {
  if (format == "png" && !is_png_name(name)) return name.replace_extension(".png");
  if (format == "jpeg" && !is_jpeg_name(name)) return name.replace_extension(".jpg");
  if (!is_jpeg_name(name) && !is_png_name(name)) return name.replace_extension(".png");
  return name;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool newer(const fs::path& output, const fs::path& input) {
  std::error_code error;
  if (!fs::is_regular_file(output, error)) return false;
  const auto written = fs::last_write_time(output, error);
  if (error) return false;
  const auto taken = fs::last_write_time(input, error);
  return !error && written >= taken;
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

/// Whether `path` lies in `folder`.
bool inside(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path a = fs::weakly_canonical(path, error), b = fs::weakly_canonical(folder, error);
  return std::mismatch(b.begin(), b.end(), a.begin(), a.end()).first == b.end();
}

/// Where an option says that files go.
struct Target {
  fs::path path;
  bool file = false;  ///< itself, not a folder
};

class Planner {
 public:
  Planner(Target output, Target maps, std::string format, bool force)
      : output_(std::move(output)),
        maps_(std::move(maps)),
        format_(std::move(format)),
        force_(force) {
    if (output_.file && !format_.empty() && (format_ == "jpeg") != is_jpeg_name(output_.path)) {
      throw Exit(ExitCode::usage,
                 output_.path.string() + ": --format " + format_ + " does not fit this name");
    }
  }

  void file(const std::string& input) {
    const fs::path path(input), name = named(path.filename(), format_);
    if (output_.file) return add(input, output_.path, name, true);
    if (!output_.path.empty()) return add(input, output_.path / name, name, force_);
    add(input, path.parent_path() / (name.stem().string() + "-colour" + name.extension().string()),
        name, force_);
  }

  void folder(const std::string& input, bool several) {
    if (output_.path.empty()) {
      throw Exit(ExitCode::usage, input + " is a folder: say with -o where the results go");
    }
    FoundPictures found = find_pictures({input});
    plan_.unreadable.insert(plan_.unreadable.end(), found.unreadable.begin(),
                            found.unreadable.end());
    const fs::path full = fs::absolute(input).lexically_normal();
    const fs::path own = full.has_filename() ? full.filename() : full.parent_path().filename();
    const fs::path root = several ? own : fs::path();
    // Results of an earlier run are no pictures to do, where they lie among them.
    const bool nested = inside(output_.path, input) && !same_file(output_.path, input);
    const bool nested_maps =
        !maps_.path.empty() && inside(maps_.path, input) && !same_file(maps_.path, input);
    for (const FoundPicture& picture : found.pictures) {
      if (nested && inside(picture.path, output_.path)) continue;
      if (nested_maps && inside(picture.path, maps_.path)) continue;
      const fs::path name = root / named(picture.below, format_);
      add(picture.path, output_.path / name, name, force_);
    }
  }

  ColorizePlan take() { return std::move(plan_); }

 private:
  /// `name` is the result's below a folder for results.
  void add(const std::string& input, const fs::path& output, fs::path name, bool force) {
    ColorizeJob job;
    job.input = input, job.output = output.string(), job.jpeg = is_jpeg_name(output);
    take_name(job, output, "result");
    if (!maps_.path.empty()) {
      const fs::path map = maps_.file ? maps_.path : maps_.path / name.replace_extension(".png");
      job.uncertainty = map.string();
      take_name(job, map, "uncertainty map");
    }
    job.up_to_date = job.problem.empty() && !force && newer(output, input) &&
                     (job.uncertainty.empty() || newer(job.uncertainty, input));
    plan_.jobs.push_back(std::move(job));
  }

  void take_name(ColorizeJob& job, const fs::path& path, const std::string& what) {
    const auto [other, first] = taken_.emplace(path.lexically_normal().string(), job.input);
    if (!job.problem.empty()) return;
    if (same_file(job.input, path)) {
      job.problem = "the " + what + " would replace the picture itself; choose another place";
    } else if (!first) {
      job.problem = "the " + what + " would be " + path.string() + ", which is " +
                    (other->second == job.input ? "its result" : "that of " + other->second);
    }
  }

  const Target output_, maps_;
  const std::string format_;
  const bool force_;
  std::map<std::string, std::string> taken_;  // input by output
  ColorizePlan plan_;
};

/// What `path`, an option's value, means for that many inputs; `known` tells names of the files
/// that it may be, `names` says them.
Target target(const std::string& path, bool one_file, bool (*known)(const fs::path&),
              const std::string& what, const std::string& names) {
  const bool folder = path.empty() || path.back() == '/' || is_folder(path);
  if (folder) return {path};
  std::error_code error;
  if (known(path)) {
    if (one_file) return {path, true};
    throw Exit(ExitCode::usage,
               path + " names one file, and there are several pictures: name a folder");
  }
  const bool exists = fs::exists(path, error);
  if (exists || (one_file && fs::path(path).has_extension())) {
    throw Exit(ExitCode::usage,
               path + (exists ? " is a file: " : ": ") + what + " must end in " + names);
  }
  return {path};
}

bool is_result_name(const fs::path& path) {
  return is_jpeg_name(path) || is_png_name(path);
}

}  // namespace

ColorizePlan plan_colorize(const std::vector<std::string>& inputs, const std::string& output,
                           const std::string& format, bool force, const std::string& uncertainty) {
  std::vector<std::string> files, folders;
  for (const std::string& word : inputs) {
    for (const std::string& path : expand(word)) {
      (is_folder(path) ? folders : files).push_back(path);
    }
  }
  const bool one_file = files.size() == 1 && folders.empty();
  Planner planner(target(output, one_file, is_result_name, "a result", ".png, .jpg or .jpeg"),
                  target(uncertainty, one_file, is_png_name, "an uncertainty map", ".png"), format,
                  force);
  for (const std::string& file : files) planner.file(file);
  for (const std::string& folder : folders) planner.folder(folder, folders.size() > 1);
  ColorizePlan plan = planner.take();
  if (plan.jobs.empty()) {
    throw DataError("no picture in " + (folders.empty() ? std::string("the input") : folders[0]));
  }
  return plan;
}

}  // namespace tinct
