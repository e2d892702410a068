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

class Planner {
 public:
  Planner(std::string output, std::string format, bool force)
      : output_(std::move(output)), format_(std::move(format)), force_(force) {}

  /// The one result goes to the file `output` itself.
  void single(const std::string& input) {
    if (!format_.empty() && (format_ == "jpeg") != is_jpeg_name(output_)) {
      throw Exit(ExitCode::usage,
                 output_.string() + ": --format " + format_ + " does not fit this name");
    }
    add(input, output_, true);
  }

  void file(const std::string& input) {
    const fs::path path(input);
    if (!output_.empty()) return add(input, output_ / named(path.filename(), format_), force_);
    const fs::path name = named(path.filename(), format_);
    add(input, path.parent_path() / (name.stem().string() + "-colour" + name.extension().string()),
        force_);
  }

  void folder(const std::string& input, bool several) {
    if (output_.empty()) {
      throw Exit(ExitCode::usage, input + " is a folder: say with -o where the results go");
    }
    FoundPictures found = find_pictures({input});
    plan_.unreadable.insert(plan_.unreadable.end(), found.unreadable.begin(),
                            found.unreadable.end());
    const fs::path full = fs::absolute(input).lexically_normal();
    const fs::path own = full.has_filename() ? full.filename() : full.parent_path().filename();
    const fs::path root = several ? output_ / own : output_;
    // Results of an earlier run are no pictures to do, where they lie among them.
    const bool nested = inside(output_, input) && !same_file(output_, input);
    for (const FoundPicture& picture : found.pictures) {
      if (nested && inside(picture.path, output_)) continue;
      add(picture.path, root / named(picture.below, format_), force_);
    }
  }

  ColorizePlan take() { return std::move(plan_); }

 private:
  void add(const std::string& input, const fs::path& output, bool force) {
    ColorizeJob job;
    job.input = input, job.output = output.string(), job.jpeg = is_jpeg_name(output);
    const auto [other, first] = taken_.emplace(output.lexically_normal().string(), input);
    if (same_file(input, output)) {
      job.problem = "the result would replace the picture itself; choose another -o";
    } else if (!first) {
      job.problem = "the result would be " + job.output + ", which is that of " + other->second;
    }
    job.up_to_date = job.problem.empty() && !force && newer(output, input);
    plan_.jobs.push_back(std::move(job));
  }

  const fs::path output_;
  const std::string format_;
  const bool force_;
  std::map<std::string, std::string> taken_;  // input by output
  ColorizePlan plan_;
};

}  // namespace

ColorizePlan plan_colorize(const std::vector<std::string>& inputs, const std::string& output,
                           const std::string& format, bool force) {
  std::vector<std::string> files, folders;
  for (const std::string& word : inputs) {
    for (const std::string& path : expand(word)) {
      (is_folder(path) ? folders : files).push_back(path);
    }
  }
  const bool slash = !output.empty() && output.back() == '/';
  const bool file_name = is_jpeg_name(output) || is_png_name(output);
  const bool to_file = !output.empty() && !slash && !is_folder(output) && file_name;
  Planner planner(output, format, force);
  if (to_file) {
    if (files.size() != 1 || !folders.empty()) {
      throw Exit(ExitCode::usage,
                 output + " names one file, and there are several pictures: name a folder");
    }
    planner.single(files[0]);
    return planner.take();
  }
  std::error_code error;
  if (!output.empty() && fs::exists(output, error) && !is_folder(output)) {
    throw Exit(ExitCode::usage, output + " is a file: a result must end in .png, .jpg or .jpeg");
  }
  if (!slash && !is_folder(output) && fs::path(output).has_extension() && folders.empty() &&
      files.size() == 1) {
    throw Exit(ExitCode::usage, output + ": a result must end in .png, .jpg or .jpeg");
  }
  for (const std::string& file : files) planner.file(file);
  for (const std::string& folder : folders) planner.folder(folder, folders.size() > 1);
  ColorizePlan plan = planner.take();
  if (plan.jobs.empty()) {
    throw DataError("no picture in " + (folders.empty() ? std::string("the input") : folders[0]));
  }
  return plan;
}

}  // namespace tinct
