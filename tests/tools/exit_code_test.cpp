// Exit codes, and the figures of the progress line.
#include "tools/exit_code.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "tools/progress.h"

namespace tinct {

TEST_CASE("every failure has its documented exit code") {
  const auto code = [](const std::exception& e) { return static_cast<int>(exit_code(e)); };
  CHECK(code(std::runtime_error("x")) == 1);
  CHECK(code(std::logic_error("x")) == 1);
  CHECK(code(std::invalid_argument("x")) == 2);
  CHECK(code(DataError("x")) == 3);
  CHECK(code(WeightsError("x")) == 4);
  CHECK(code(OutOfMemory("x")) == 5);
  CHECK(code(std::bad_alloc()) == 5);
  CHECK(code(IoError("x")) == 6);
  CHECK(code(std::filesystem::filesystem_error("x", std::error_code())) == 6);
  CHECK(code(NumericError("x")) == 7);
  CHECK(code(DeviceError("x")) == 8);
  CHECK(code(Exit(ExitCode::retry, "x")) == 75);
  CHECK(code(Exit(ExitCode::interrupted, "")) == 130);
  CHECK(code(Exit(ExitCode::terminated, "")) == 143);
}

TEST_CASE("durations are written for people") {
  CHECK(format_duration(0) == "0:00");
  CHECK(format_duration(65.4) == "1:05");
  CHECK(format_duration(7384) == "2:03:04");
  CHECK(format_duration(INFINITY) == "--:--");
  CHECK(format_duration(NAN) == "--:--");
}

}  // namespace tinct
