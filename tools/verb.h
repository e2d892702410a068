// The verbs of `tinct`: each declares its options on a subcommand and sets the callback that runs
// it. Results go to stdout, everything else to stderr. A callback throws; main turns exceptions
// into one line and an exit code (tools/exit_code.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/device.h"
#include "tools/options.h"

namespace tinct {

/// What every verb understands, filled in before the verb's callback runs.
struct Common {
  bool json = false;   ///< --json: exactly one JSON value on stdout
  bool quiet = false;  ///< --quiet: no progress and no remarks, only results and errors
};
const Common& common();

/// Adds a subcommand with --json, --quiet and --threads; `examples`, one command each, end its
/// --help.
Verb add_verb(CLI::App& app, const std::string& name, const std::string& description,
              const std::vector<std::string>& examples);

/// Where and how precisely a verb computes, as its options say.
struct Computing {
  std::string device = "cpu";
  std::string precision = "f32";
};
/// --device cpu|gpu|sim and --precision f32|tf32|bf16.
void add_computing_options(Verb& verb, Computing& computing);
/// Finds the device and sets the precision (find_device, find_precision).
Device begin_computing(const Computing& computing);
/// f(); on a device, memory that cannot be had is reported with what helps.
void advising_on_memory(Device device, const std::string& what_helps,
                        const std::function<void()>& f);

/// One line on stderr, "tinct: warning: …", unless --quiet.
void warn(const std::string& message);
/// One line on stderr, unless --quiet.
void say(const std::string& message);

void add_colorize(CLI::App& app);
void add_prepare(CLI::App& app);
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_export(CLI::App& app);
void add_merge(CLI::App& app);
void add_forward(CLI::App& app);
void add_import(CLI::App& app);
void add_op(CLI::App& app);
void add_models(CLI::App& app);
void add_kernels(CLI::App& app);
void add_inspect(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace tinct
