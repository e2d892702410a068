// The verbs of `tinct`: each declares its options on a subcommand and sets the callback that runs
// it. Results go to stdout, everything else to stderr. A callback throws; main turns exceptions
// into one line and an exit code.
#pragma once

#include <CLI/CLI.hpp>

namespace tinct {

void add_colorize(CLI::App& app);
void add_prepare(CLI::App& app);
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_forward(CLI::App& app);
void add_op(CLI::App& app);
void add_models(CLI::App& app);
void add_inspect(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace tinct
