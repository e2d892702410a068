// What all verbs share: their common options and their voice on stderr.
#include "tools/verb.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/error.h"
#include "core/threads.h"
#include "layers/precision.h"
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

Verb add_verb(CLI::App& app, const std::string& name, const std::string& description,
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
  return Verb(verb);
}

void add_computing_options(Verb& verb, Computing& computing) {
  verb.add_option("--device", computing.device,
                  "Where to compute: gpu is an NVIDIA card, sim the simulator that runs the same "
                  "kernels slowly on the CPU; each needs its build (TINCT_GPU=cuda or sim)")
      .one_of({"cpu", "gpu", "sim"})
      .show_default();
  verb.add_option("--precision", computing.precision,
                  "Of a device: tf32 multiplies in 11 bits on tensor cores, bf16 also stores maps "
                  "in 16; weights, sums and losses stay f32")
      .one_of({"f32", "tf32", "bf16"})
      .show_default();
}

Device begin_computing(const Computing& computing) {
  const Device device = find_device(computing.device);
  set_precision(find_precision(computing.precision, device));
  return device;
}

void advising_on_memory(Device device, const std::string& what_helps,
                        const std::function<void()>& f) {
  try {
    f();
  } catch (const OutOfMemory& error) {
    if (device == Device::cpu) throw;
    throw OutOfMemory(std::string(error.what()) + "; " + what_helps +
                      (precision() == Precision::f32 ? ", and so does --precision bf16" : ""));
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
