// How `tinct` ends: the documented exit codes, and which exception means which.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace tinct {

enum class ExitCode : int {
  ok = 0,
  runtime = 1,        ///< anything not below
  usage = 2,          ///< unknown verb, option, key or setting; a value out of range
  data = 3,           ///< input data that cannot be used; some pictures of many failed
  weights = 4,        ///< weights or a checkpoint that cannot be used
  memory = 5,         ///< memory that cannot be had
  io = 6,             ///< disk full, permission, missing file
  numeric = 7,        ///< a loss or a weight that is not finite
  device = 8,         ///< a device that is absent
  retry = 75,         ///< the same command may succeed later
  interrupted = 130,  ///< a second SIGINT
  terminated = 143,   ///< SIGTERM, after a clean save
};

/// Ends the program with `code`; the message, unless empty, is the line on stderr.
struct Exit : std::runtime_error {
  Exit(ExitCode exit_code, const std::string& message)
      : std::runtime_error(message), code(exit_code) {}
  ExitCode code;
};

/// The code for an exception of core/error.h, the standard library, or Exit.
ExitCode exit_code(const std::exception& error);

}  // namespace tinct
