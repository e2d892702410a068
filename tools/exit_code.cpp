// Exceptions to exit codes.
#include "tools/exit_code.h"

#include <filesystem>
#include <new>
#include <system_error>

#include "core/error.h"

namespace tinct {
namespace {

template <class E>
bool is(const std::exception& error) {
  return dynamic_cast<const E*>(&error) != nullptr;
}

}  // namespace

ExitCode exit_code(const std::exception& error) {
  if (const auto* exit = dynamic_cast<const Exit*>(&error)) return exit->code;
  if (is<DataError>(error)) return ExitCode::data;
  if (is<WeightsError>(error)) return ExitCode::weights;
  if (is<std::bad_alloc>(error)) return ExitCode::memory;
  if (is<IoError>(error) || is<std::system_error>(error)) return ExitCode::io;
  if (is<NumericError>(error)) return ExitCode::numeric;
  if (is<DeviceError>(error)) return ExitCode::device;
  if (is<std::invalid_argument>(error)) return ExitCode::usage;
  return ExitCode::runtime;
}

}  // namespace tinct
