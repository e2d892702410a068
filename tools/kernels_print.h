// What `tinct kernels` prints, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/kernels_run.h"

namespace tinct {

/// "conv2d/3"
std::string title(const study::Kernel& kernel, const study::Rung& rung);

void print(const study::Kernel& kernel, bool with_settings);
nlohmann::json to_json(const study::Kernel& kernel);

/// The figures, and what `card` needs for them at least.
void print(const KernelResult& result, const Card& card);
nlohmann::json to_json(const KernelResult& result, const Card& card);
/// What each source line asked of memory.
void print_lines(const KernelResult& result);

}  // namespace tinct
