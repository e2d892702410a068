// tinct prepare: folders of photographs become a data set.
#include "train/prepare.h"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/threads.h"
#include "tools/exit_code.h"
#include "tools/progress.h"
#include "tools/verb.h"

namespace tinct {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int signal) {
  interrupted = signal;
}

std::string drops(const PrepareResult& result) {
  std::string text;
  for (const auto& [reason, count] : result.dropped) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
  }
  return text;
}

void print(const PrepareOptions& options, const PrepareResult& result) {
  if (common().json) {
    const nlohmann::ordered_json json = {{"dataset", options.output},  {"found", result.found},
                                         {"train", result.train},      {"val", result.val},
                                         {"dropped", result.dropped},  {"sources", result.sources},
                                         {"warnings", result.warnings}};
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return;
  }
  const std::size_t kept = result.train + result.val;
  std::cout << options.output << ": " << kept << " of " << result.found << " pictures, "
            << result.train << " to train on and " << result.val << " to validate on\n";
  if (kept < result.found) {
    std::cout << "left out: " << drops(result) << "; why, file by file: " << options.output
              << "/report.jsonl\n";
  }
}

void run(PrepareOptions options) {
  if (options.jobs == 0) options.jobs = threads();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::optional<Progress> progress;
  options.progress = [&](std::size_t, std::size_t total) {
    if (interrupted == SIGTERM) throw Exit(ExitCode::terminated, "terminated; nothing was written");
    if (interrupted != 0) throw Exit(ExitCode::interrupted, "interrupted; nothing was written");
    if (!progress) progress.emplace("preparing", total, "pictures");
    progress->advance();
  };
  const PrepareResult result = prepare(options);
  progress.reset();
  for (const std::string& warning : result.warnings) warn(warning);
  print(options, result);
}

}  // namespace

void add_prepare(CLI::App& app) {
  Verb verb =
      add_verb(app, "prepare", "Make a data set for training from folders of colour photographs",
               {"tinct prepare photos -o data", "tinct prepare holidays family -o data --size 256",
                "tinct prepare photos -o data --val-list photos/val.txt"});
  const auto options = std::make_shared<PrepareOptions>();
  options->jobs = 0;
  verb.add_option("SOURCE", options->sources,
                  "Folders of pictures, walked to the bottom, or single pictures")
      .required();
  verb.add_option("-o,--out", options->output, "Folder to write the data set to")
      .required()
      .type_name("DATASET");
  verb.add_option("--size", options->size, "Short side of the stored pictures, in pixels")
      .show_default()
      .range(16, 4096)
      .type_name("PIXELS");
  verb.add_option("--holdout", options->holdout,
                  "Share of the pictures kept for validation, drawn by each file's content")
      .show_default()
      .range(0.0, 1.0)
      .type_name("SHARE");
  verb.add_option("--val-list", options->val_list,
                  "File naming the pictures or folders to validate on, a line each, by their "
                  "path below SOURCE; instead of --holdout")
      .excludes("--holdout")
      .type_name("FILE");
  verb.add_option("--min-side", options->min_side, "Leave out pictures with a smaller short side")
      .show_default()
      .range(1, 4096)
      .type_name("PIXELS");
  verb.add_option("--min-chroma", options->min_chroma,
                  "Leave out pictures with a smaller mean Lab chroma: they are grey")
      .show_default()
      .range(0.0, 100.0)
      .type_name("CHROMA");
  verb.add_option("--min-tone-spread", options->min_tone_spread,
                  "Leave out pictures whose colours stray less from a single tone: sepia, tinted")
      .show_default()
      .range(0.0, 100.0)
      .type_name("CHROMA");
  verb.add_option("-j,--jobs", options->jobs, "Pictures decoded at once; default: --threads")
      .range(1, 1024)
      .type_name("N");
  verb.add_flag("--overwrite", options->overwrite, "Replace a data set that is there");
  verb.callback([options] { run(*options); });
}

}  // namespace tinct
