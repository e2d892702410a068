// Small helps for messages: numbers in words, the name that a misspelt word was meant to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinct {

/// Insertions, deletions, substitutions and swaps of neighbours that turn a into b (Damerau's
/// distance in its restricted form), letter case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or "" when none is near enough to be what was meant (at most a
/// third of the letters wrong, or one a prefix of the other). Equally near: the first.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean 'x'?)" or "", to end a message that refuses `word`.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// "a, b, c"
std::string join(const std::vector<std::string>& words, std::string_view separator = ", ");

/// A number as printf does it: printed("%.1f", 0.25) is "0.2".
std::string printed(const char* format, double value);

/// "1.5 GiB", "12 B".
std::string format_bytes(double bytes);

/// 16 hexadecimal digits.
std::string hex(std::uint64_t value);

}  // namespace tinct
