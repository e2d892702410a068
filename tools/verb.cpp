// What all verbs share: their common options and their voice on stderr.
#include "tools/verb.h"

#include <cstdio>

#include "core/threads.h"
#include "tools/progress.h"

namespace tinct {
namespace {

Common& settings() {
  static Common common;
  return common;
}

}  // namespace

const Common& common() {
  return settings();
}

CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description,
                   const std::vector<std::string>& examples) {
  CLI::App* verb = app.add_subcommand(name, description);
  verb->add_flag("--json", settings().json, "One JSON value on stdout")->group("Common options");
  verb->add_flag("-q,--quiet", settings().quiet, "No progress and no remarks on stderr")
      ->group("Common options");
  verb->add_option_function<int>("--threads", set_threads, "Threads to use; default: every core")
      ->envname("TINCT_THREADS")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->group("Common options");
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += "\n  " + example;
  if (!examples.empty()) verb->footer(footer);
  return verb;
}

void say(const std::string& message) {
  if (settings().quiet) return;
  Progress::clear_line();
  std::fprintf(stderr, "%s\n", message.c_str());
}

void warn(const std::string& message) {
  say("tinct: warning: " + message);
}

}  // namespace tinct
