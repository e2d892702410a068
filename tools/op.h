// One operation on given tensors: the table behind `tinct op`.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/autograd.h"
#include "core/safetensors.h"

namespace tinct {

/// A tensor that an operation takes.
struct OpTensor {
  std::string name;   ///< "w"
  std::string shape;  ///< "(out,kh,kw,in)"
  bool optional = false;
  bool differentiable = true;  ///< its gradient "dw" is written where the input has dy
  std::string alias = {};      ///< another name that is understood; the gradient then bears it
};

enum class SettingKind { flag, number, count, pair, sides, counts, choice };

/// "stride=2,2"
struct OpSetting {
  std::string name;
  SettingKind kind;
  std::string fallback;  ///< "" where the tensors decide
  std::string help;
  std::vector<std::string> choices = {};
};

/// The settings of one call: what was given, else each setting's fallback. All accessors throw
/// std::invalid_argument naming the setting and what it may be.
class OpSettings {
 public:
  /// `given` are "key=value"; an unknown key is refused with a suggestion.
  OpSettings(const std::vector<OpSetting>& known, const std::vector<std::string>& given);

  /// Whether it has a value at all.
  bool has(const std::string& name) const { return !text(name).empty(); }
  const std::string& text(const std::string& name) const;
  bool flag(const std::string& name) const;
  double number(const std::string& name) const;
  std::size_t count(const std::string& name) const;
  std::vector<std::size_t> counts(const std::string& name) const;
  std::array<std::size_t, 2> pair(const std::string& name) const;   ///< h, w; one value is both
  std::array<std::size_t, 4> sides(const std::string& name) const;  ///< top, left, bottom, right
  std::size_t choice(const std::string& name) const;                ///< index into its choices

 private:
  const OpSetting& setting(const std::string& name) const;

  const std::vector<OpSetting>& known_;
  std::map<std::string, std::string> values_;
};

/// What an operation's function works on.
class OpCall {
 public:
  OpCall(const OpSettings& settings, std::map<std::string, Value> values)
      : set(settings), values_(std::move(values)) {}

  /// Empty where an optional tensor was not given.
  Value value(const std::string& name) const;
  Tensor tensor(const std::string& name) const;
  /// A tensor to write beside y.
  void output(const std::string& name, const Tensor& tensor) {
    outputs_.emplace_back(name, tensor);
  }
  const NamedTensors& outputs() const { return outputs_; }

  const OpSettings& set;

 private:
  std::map<std::string, Value> values_;
  NamedTensors outputs_;
};

struct Operation {
  std::string name;
  std::string summary;
  std::vector<OpTensor> tensors;
  std::vector<OpSetting> settings;
  std::function<Value(OpCall&)> run;
  bool differentiable = true;
  bool any_inputs = false;  ///< x, x2, x3, ... as many as given
  bool rows = false;        ///< a file's tensor of rank two is (rows,1,1,c), not (1,1,h,c)
};

const std::vector<Operation>& operations();

/// Throws std::invalid_argument, with a suggestion, for a name that is not in operations().
const Operation& find_operation(const std::string& name);

/// Runs it: y, what else it writes, and the gradients of what `inputs` holds if "dy" is among them.
/// Throws DataError when a tensor is missing, unknown or of a shape that cannot be, and
/// std::invalid_argument for a bad setting.
NamedTensors run_operation(const Operation& operation, const NamedTensors& inputs,
                           const std::vector<std::string>& settings, Device device = Device::cpu);

}  // namespace tinct
