// Settings of an operation: "stride=2,2", read strictly.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "core/text.h"
#include "tools/op.h"

namespace tinct {
namespace {

[[noreturn]] void refuse(const OpSetting& setting, const std::string& text, const char* what) {
  throw std::invalid_argument("setting " + setting.name + "=" + text + ": must be " + what);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool parse(const std::string& text, std::size_t* value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stop == end && *value <= 1000000;
}

}  // namespace

OpSettings::OpSettings(const std::vector<OpSetting>& known, const std::vector<std::string>& given)
    : known_(known) {
  std::vector<std::string> names;
  for (const OpSetting& setting : known) {
    names.push_back(setting.name);
    values_[setting.name] = setting.fallback;
  }
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw std::invalid_argument("setting '" + text + "' is not of the form key=value");
    }
    const std::string name = text.substr(0, equals);
    if (values_.count(name) == 0) {
      throw std::invalid_argument(
          "unknown setting '" + name + "'" + did_you_mean(name, names) + "; " +
          (names.empty() ? "this operation has none" : "there are " + join(names)));
    }
    if (equals + 1 == text.size()) {
      throw std::invalid_argument("setting '" + name + "' has no value");
    }
    values_[name] = text.substr(equals + 1);
  }
}

const OpSetting& OpSettings::setting(const std::string& name) const {
  return *std::find_if(known_.begin(), known_.end(),
                       [&](const OpSetting& s) { return s.name == name; });
}

const std::string& OpSettings::text(const std::string& name) const {
  return values_.at(name);
}

bool OpSettings::flag(const std::string& name) const {
  const std::string& value = text(name);
  if (value == "1" || value == "true" || value == "yes" || value == "on") return true;
  if (value == "0" || value == "false" || value == "no" || value == "off") return false;
  refuse(setting(name), value, "true or false");
}

double OpSettings::number(const std::string& name) const {
  const std::string& value = text(name);
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) {
    refuse(setting(name), value, "a finite number");
  }
  return number;
}

std::vector<std::size_t> OpSettings::counts(const std::string& name) const {
  std::vector<std::size_t> values;
  for (const std::string& part : split(text(name))) {
    std::size_t value = 0;
    if (!parse(part, &value)) {
      refuse(setting(name), text(name), "whole numbers from 0 to 1000000, separated by commas");
    }
    values.push_back(value);
  }
  return values;
}

std::size_t OpSettings::count(const std::string& name) const {
  const std::vector<std::size_t> values = counts(name);
  if (values.size() != 1) refuse(setting(name), text(name), "one whole number");
  return values[0];
}

std::array<std::size_t, 2> OpSettings::pair(const std::string& name) const {
  const std::vector<std::size_t> v = counts(name);
  if (v.size() == 1) return {v[0], v[0]};
  if (v.size() == 2) return {v[0], v[1]};
  refuse(setting(name), text(name), "h,w or one number for both");
}

std::array<std::size_t, 4> OpSettings::sides(const std::string& name) const {
  const std::vector<std::size_t> v = counts(name);
  if (v.size() == 1) return {v[0], v[0], v[0], v[0]};
  if (v.size() == 2) return {v[0], v[1], v[0], v[1]};
  if (v.size() == 4) return {v[0], v[1], v[2], v[3]};
  refuse(setting(name), text(name), "top,left,bottom,right, or h,w, or one number for all");
}

std::size_t OpSettings::choice(const std::string& name) const {
  const OpSetting& s = setting(name);
  std::string value = text(name);
  std::replace(value.begin(), value.end(), '_', '-');
  const auto found = std::find(s.choices.begin(), s.choices.end(), value);
  if (found == s.choices.end()) {
    throw std::invalid_argument("setting " + name + "=" + value + did_you_mean(value, s.choices) +
                                ": must be one of " + join(s.choices));
  }
  return static_cast<std::size_t>(found - s.choices.begin());
}

}  // namespace tinct
