// Running one operation of the table on named tensors.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "layers/cast.h"
#include "tools/op.h"

namespace tinct {
namespace {

// "x2", "x3", ... of an operation with any number of inputs.
bool is_further_input(const Operation& operation, const std::string& name) {
  return operation.any_inputs && name.size() > 1 && name[0] == 'x' && name[1] != '0' &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const OpTensor* find_tensor(const Operation& operation, const std::string& name) {
  for (const OpTensor& tensor : operation.tensors) {
    if (name == tensor.name || (!tensor.alias.empty() && name == tensor.alias)) return &tensor;
  }
  return nullptr;
}

std::vector<std::string> tensor_names(const Operation& operation) {
  std::vector<std::string> names;
  for (const OpTensor& tensor : operation.tensors) names.push_back(tensor.name);
  if (operation.differentiable) names.emplace_back("dy");
  return names;
}

Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  Tensor copy(tensor.shape());
  std::copy_n(tensor.u8(), tensor.size(), copy.f32());
  return copy;
}

// The inputs as leaves under the table's own names, and which name the file gave each.
struct Inputs {
  std::map<std::string, Value> values;
  std::vector<std::pair<std::string, std::string>> given;  ///< table's name, file's name
  Tensor dy;
};

Inputs place(const Operation& operation, const NamedTensors& tensors, Device device) {
  Inputs inputs;
  const bool wants_gradients =
      operation.differentiable &&
      std::any_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.first == "dy"; });
  for (const auto& [name, tensor] : tensors) {
    if (tensor.size() == 0) throw DataError(operation.name + ": tensor '" + name + "' is empty");
    if (name == "dy" && operation.differentiable) {
      inputs.dy = as_f32(tensor);
      continue;
    }
    const OpTensor* known = find_tensor(operation, name);
    if (known == nullptr && !is_further_input(operation, name)) {
      throw DataError(operation.name + " takes no tensor '" + name + "'" +
                      did_you_mean(name, tensor_names(operation)) + "; it takes " +
                      join(tensor_names(operation)));
    }
    const std::string key = known != nullptr ? known->name : name;
    const bool differentiable = known == nullptr || known->differentiable;
    if (!inputs.values
             .emplace(key, Value(as_f32(tensor).to(device), wants_gradients && differentiable))
             .second) {
      throw DataError(operation.name + ": tensor '" + key + "' is given twice");
    }
    inputs.given.emplace_back(key, name);
  }
  for (const OpTensor& tensor : operation.tensors) {
    if (!tensor.optional && inputs.values.count(tensor.name) == 0) {
      throw DataError(operation.name + " needs a tensor '" + tensor.name + "' " + tensor.shape);
    }
  }
  return inputs;
}

}  // namespace

Value OpCall::value(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? Value() : found->second;
}

Tensor OpCall::tensor(const std::string& name) const {
  const Value found = value(name);
  return found.defined() ? found.data() : Tensor();
}

const Operation& find_operation(const std::string& name) {
  std::vector<std::string> names;
  for (const Operation& operation : operations()) {
    if (operation.name == name) return operation;
    names.push_back(operation.name);
  }
  throw std::invalid_argument("unknown operation '" + name + "'" + did_you_mean(name, names) +
                              "; tinct op --list names them");
}

NamedTensors run_operation(const Operation& operation, const NamedTensors& inputs,
                           const std::vector<std::string>& settings, Device device) {
  const OpSettings set(operation.settings, settings);
  Inputs placed = place(operation, inputs, device);
  OpCall call(set, placed.values);
  const Value y = cast(operation.run(call), DType::f32);
  NamedTensors outputs = {{"y", y.data().to(Device::cpu)}};
  for (const auto& [name, tensor] : call.outputs()) {
    outputs.emplace_back(name, cast(tensor, DType::f32).to(Device::cpu));
  }
  if (!placed.dy.defined()) return outputs;
  if (placed.dy.shape() != y.shape()) {
    throw DataError(operation.name + ": dy is " + to_string(placed.dy.shape()) + " but y is " +
                    to_string(y.shape()));
  }
  y.backward(placed.dy.to(y.device()));  // a loss is on the host
  for (const auto& [key, name] : placed.given) {
    const Value& value = placed.values.at(key);
    if (!value.requires_grad()) continue;
    outputs.emplace_back(
        "d" + name, value.has_grad() ? value.grad().to(Device::cpu) : Tensor::zeros(value.shape()));
  }
  return outputs;
}

}  // namespace tinct
