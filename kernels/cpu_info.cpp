// The instruction set that Highway chose.
#include "kernels/cpu_info.h"

#include <cstddef>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu_info.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace {

const char* level_name() {
  return hwy::TargetName(HWY_TARGET);
}

std::size_t level_bytes() {
  return hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<std::uint8_t>());
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct {

HWY_EXPORT(level_name);
HWY_EXPORT(level_bytes);

std::string simd_level() {
  return HWY_DYNAMIC_DISPATCH(level_name)();
}

std::size_t simd_bytes() {
  return HWY_DYNAMIC_DISPATCH(level_bytes)();
}

std::vector<std::string> compiled_simd_levels() {
  std::vector<std::string> names;
  const auto targets = static_cast<std::uint64_t>(HWY_TARGETS);
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {  // lower bits are better targets
    if ((targets & bit) != 0) names.emplace_back(hwy::TargetName(static_cast<std::int64_t>(bit)));
  }
  return names;
}

std::string highway_version() {
  return std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." +
         std::to_string(HWY_PATCH);
}

}  // namespace tinct
#endif
