// SHA-256, to say which file something came from.
#pragma once

#include <string>
#include <string_view>

namespace tinct {

/// The digest of FIPS 180-4 in 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace tinct
