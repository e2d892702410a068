// Words about devices.
#include "core/device_words.h"

#include <cstdlib>
#include <sstream>

#include "core/text.h"

namespace tinct::device {
namespace {

bool runs_on_one(const std::string& architecture, int capability) {
  char* end = nullptr;
  const auto number = static_cast<int>(std::strtol(architecture.c_str(), &end, 10));
  std::string kind = end;
  const bool specific = kind.starts_with("a");
  if (specific) kind.erase(0, 1);
  if (specific && capability != number) return false;
  const bool machine_code = number / 10 == capability / 10 && number <= capability;
  const bool ptx = number <= capability;
  return (kind != "-virtual" && machine_code) || (kind != "-real" && ptx);
}

}  // namespace

std::string no_room(std::size_t asked, const Room& room) {
  const auto in_words = [](std::size_t bytes) { return format_bytes(static_cast<double>(bytes)); };
  std::string text =
      "no room for " + in_words(asked) + " on the GPU: " + in_words(room.free_bytes) + " of " +
      in_words(room.total_bytes) + " are free, this program holds " + in_words(room.use.in_use);
  if (room.given_back > 0) {
    text += " (and gave back the " + in_words(room.given_back) + " that it kept for reuse)";
  }
  return text;
}

bool runs_on(const std::string& architectures, int capability) {
  std::istringstream list(architectures);
  for (std::string one; std::getline(list, one, ',');) {
    if (runs_on_one(one, capability)) return true;
  }
  return false;
}

std::string wrong_card(const std::string& name, int capability, const std::string& architectures) {
  return name + " is sm_" + std::to_string(capability) + ", and this tinct was compiled for " +
         architectures + ": build it with -DTINCT_CUDA_ARCHITECTURES=" + std::to_string(capability);
}

}  // namespace tinct::device
