// What all verbs share: their common options and their voice on stderr.
#include "tools/verb.h"

#include <cstdio>

#include "core/error.h"
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

void add_device_option(CLI::App& verb, std::string& device) {
  verb.add_option("--device", device,
                  "Where to compute: gpu is an NVIDIA card, sim the simulator that runs the same "
                  "kernels slowly on the CPU; each needs its build (TINCT_GPU=cuda or sim)")
      ->check(CLI::IsMember({"cpu", "gpu", "sim"}))
      ->capture_default_str();
}

void advising_on_memory(Device device, const std::string& what_helps,
                        const std::function<void()>& f) {
  try {
    f();
  } catch (const OutOfMemory& error) {
    if (device == Device::cpu) throw;
    throw OutOfMemory(std::string(error.what()) + "; " + what_helps);
  }
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
