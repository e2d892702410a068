// `tinct`: dispatches to the verbs and turns what they throw into one line and an exit code.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "core/text.h"
#include "tools/exit_code.h"
#include "tools/progress.h"
#include "tools/verb.h"

namespace tinct {
namespace {

void add_verbs(CLI::App& app) {
  // One line a verb, in the order of --help.
  add_colorize(app);
  add_prepare(app);
  add_eval(app);
  add_train(app);
  add_import(app);
  add_export(app);
  add_merge(app);
  add_op(app);
  add_kernels(app);
  add_inspect(app);
  add_forward(app);
  add_models(app);
  add_doctor(app);
}

// "--modle" of "--modle=x".
std::string option_name(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// What CLI11 could not place, named with what was probably meant.
std::string unexpected(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  for (const std::string& argument : app.remaining(true)) {
    if (argument.size() > 1 && argument[0] == '-' && argument != "--") {
      const std::string name = option_name(argument);
      const CLI::App& verb = chosen.empty() ? app : *chosen.front();
      return "unknown option " + name + did_you_mean(name, option_names(verb));
    }
    if (chosen.empty()) {
      std::vector<std::string> verbs;
      for (const CLI::App* verb : app.get_subcommands({})) verbs.push_back(verb->get_name());
      return "unknown verb '" + argument + "'" + did_you_mean(argument, verbs);
    }
    return "unexpected argument '" + argument + "'";
  }
  return "";
}

int fail(ExitCode code, std::string message) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  Progress::clear_line();
  if (!message.empty()) std::fprintf(stderr, "tinct: %s\n", message.c_str());
  return static_cast<int>(code);
}

int usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::string strange = unexpected(app);
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const std::string verb = chosen.empty() ? "" : " " + chosen.front()->get_name();
  return fail(ExitCode::usage, (strange.empty() ? std::string(error.what()) : strange) +
                                   "; see tinct" + verb + " --help");
}

// A reader that has gone away (`tinct models | head -1`) is no failure; a full disk is.
int flush_results() {
  std::cout.flush();
  if (std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) return 0;
  return fail(ExitCode::io, "cannot write to standard output");
}

int run(int argc, char** argv) {
  CLI::App app("tinct trains and runs image colorizers.", "tinct");
  app.set_version_flag("--version", "tinct " TINCT_VERSION);
  app.require_subcommand(1);
  app.footer(
      "tinct VERB --help explains a verb.\n"
      "Exit codes: 0 ok, 1 runtime error, 2 usage, 3 bad input data, 4 bad weights,\n"
      "5 out of memory, 6 disk or file error, 7 not-finite numbers, 8 no such device,\n"
      "75 try again later, 130 interrupted, 143 terminated.");
  add_verbs(app);
  if (argc < 2) {
    std::fputs(app.help().c_str(), stderr);
    return static_cast<int>(ExitCode::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);  // prints --help or --version
  } catch (const CLI::ParseError& error) {
    return usage(app, error);
  } catch (const std::exception& error) {
    return fail(exit_code(error), error.what());
  }
  return flush_results();
}

}  // namespace
}  // namespace tinct

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return tinct::run(argc, argv);
}
