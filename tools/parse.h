// Values of options that several verbs share.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace tinct {

/// "256x384" or "256,384" to height and width, "256" to both. Throws std::invalid_argument naming
/// `option` unless both are from 1 to 65535.
std::array<std::size_t, 2> parse_size(const std::string& text, const std::string& option);

}  // namespace tinct
