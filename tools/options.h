// Declaring a verb's options. CLI11 reads the command line, but its header alone takes more
// than six seconds to compile: only options.cpp, verb.cpp, main.cpp and tests that parse include
// it.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Option;
}  // namespace CLI

namespace tinct {

/// An option just declared; each call refines it. A value that the command line gives and that does
/// not fit is refused with exit code 2 before the verb runs.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option& required();
  /// What --help calls the value: "FILE".
  Option& type_name(const std::string& name);
  /// --help shows the variable's value of now.
  Option& show_default();
  /// From low to high, or one of `words`.
  Option& range(int low, int high);
  Option& range(double low, double high, const std::vector<std::string>& words = {});
  Option& one_of(std::initializer_list<std::string> words);
  Option& one_of(std::initializer_list<int> numbers);
  /// Not together with the other, declared before.
  Option& excludes(const std::string& other);
  /// So many values each time it is given.
  Option& expected(int count);
  Option& expected(int least, int most);
  /// Given again, it adds its values to those it has.
  Option& take_all();

 private:
  CLI::Option* option_;
};

/// A subcommand while its options are declared.
class Verb {
 public:
  explicit Verb(CLI::App* app) : app_(app) {}
  /// "--name" or "-n,--name" sets a variable, "NAME" one by its place. T is std::string, a vector
  /// of them, int, long, std::size_t, float, double or std::optional<float>.
  template <class T>
  Option add_option(const std::string& names, T& value, const std::string& description);
  /// "--name" sets the variable, "!--no-name" clears it.
  Option add_flag(const std::string& names, bool& value, const std::string& description);
  /// What runs when the verb was chosen and every option is read.
  void callback(std::function<void()> run);

 private:
  CLI::App* app_;
};

}  // namespace tinct
