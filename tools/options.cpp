// Options over CLI11's.
#include "tools/options.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <utility>

namespace tinct {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::range(int low, int high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Option& Option::range(double low, double high, const std::vector<std::string>& words) {
  const CLI::Range range(low, high);
  if (words.empty()) {
    option_->check(range);
  } else {
    option_->check(CLI::IsMember(words) | range);
  }
  return *this;
}

Option& Option::one_of(std::initializer_list<std::string> words) {
  option_->check(CLI::IsMember(std::vector(words)));
  return *this;
}

Option& Option::one_of(std::initializer_list<int> numbers) {
  option_->check(CLI::IsMember(std::vector(numbers)));
  return *this;
}

Option& Option::excludes(const std::string& other) {
  option_->excludes(other);
  return *this;
}

Option& Option::expected(int count) {
  option_->expected(count);
  return *this;
}

Option& Option::expected(int least, int most) {
  option_->expected(least, most);
  return *this;
}

Option& Option::take_all() {
  option_->take_all();
  return *this;
}

template <class T>
Option Verb::add_option(const std::string& names, T& value, const std::string& description) {
  return Option(app_->add_option(names, value, description));
}

template Option Verb::add_option(const std::string&, std::string&, const std::string&);
template Option Verb::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Verb::add_option(const std::string&, int&, const std::string&);
template Option Verb::add_option(const std::string&, long&, const std::string&);
template Option Verb::add_option(const std::string&, std::size_t&, const std::string&);
template Option Verb::add_option(const std::string&, float&, const std::string&);
template Option Verb::add_option(const std::string&, double&, const std::string&);
template Option Verb::add_option(const std::string&, std::optional<float>&, const std::string&);

Option Verb::add_flag(const std::string& names, bool& value, const std::string& description) {
  return Option(app_->add_flag(names, value, description));
}

void Verb::callback(std::function<void()> run) {
  app_->callback(std::move(run));
}

}  // namespace tinct
