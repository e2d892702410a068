// Parsing the values of options.
#include "tools/parse.h"

#include <charconv>
#include <stdexcept>

namespace tinct {

std::array<std::size_t, 2> parse_size(const std::string& text, const std::string& option) {
  const auto extent = [&](std::size_t begin, std::size_t end) {
    std::size_t value = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, value);
    if (error != std::errc() || stop != text.data() + end || value < 1 || value > 65535) {
      throw std::invalid_argument(option + " " + text +
                                  ": must be HEIGHTxWIDTH, each from 1 to 65535");
    }
    return value;
  };
  const std::size_t cut = text.find_first_of("x,");
  if (cut == std::string::npos) {
    const std::size_t side = extent(0, text.size());
    return {side, side};
  }
  return {extent(0, cut), extent(cut + 1, text.size())};
}

}  // namespace tinct
