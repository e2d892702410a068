// Reverse-mode differentiation: a value, its inputs, and one function that adds to the inputs'
// gradients.
//
// Values are numbered as they are made. backward() visits newest first, so every consumer of a
// value has been passed before the value itself; each node drops its inputs and saved tensors as it
// is passed, so memory falls during the backward pass. There is no tape, no recursion, and no
// operation that writes into a value's data.
#pragma once

#include <any>
#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "core/tensor.h"

namespace tinct {

class Value;

/// Adds to the inputs' gradients, given the gradient of the output. Captures what it needs by
/// value: tensors, never the output's own Value (that would be a cycle).
using Backward = std::function<void(std::vector<Value>& inputs, const Tensor& dy)>;

/// A handle on a node of the graph. Copies share the node, its data and its gradient; const is the
/// handle's, not the node's.
class Value {
 public:
  Value() = default;  ///< empty: defined() is false; stands for an absent optional input
  /// A leaf: an input, or a parameter when it wants a gradient.
  explicit Value(Tensor data, bool requires_grad = false);
  /// The result of an operation. If no input requires a gradient (or inside NoGrad) it is a plain
  /// leaf: the inputs and the function are dropped at once.
  Value(Tensor data, std::vector<Value> inputs, Backward backward);

  bool defined() const { return node_ != nullptr; }
  const Tensor& data() const;
  /// For optimizers and importers, outside the graph. Drops what is kept().
  Tensor& mutable_data();
  /// What an operation has made of the data of a value that needs no gradient and will want again,
  /// such as its numbers in another order. Empty at first.
  std::any& kept() const;
  const Shape& shape() const { return data().shape(); }
  Device device() const { return data().device(); }

  bool requires_grad() const;
  /// Freezes (false) or thaws a leaf, and drops what is kept(). Throws std::invalid_argument on the
  /// result of an operation.
  void set_requires_grad(bool requires_grad);
  bool has_grad() const;
  /// Throws std::invalid_argument when there is none.
  const Tensor& grad() const;
  Tensor& mutable_grad();
  /// Adds g to the gradient; the first g is kept as it is. Ignored by a value that requires none.
  /// Throws std::invalid_argument when shapes, types or devices differ.
  void add_grad(Tensor g) const;
  void clear_grad() const;

  /// Runs the graph backward from this value; `seed` is its gradient, ones when empty. The graph is
  /// consumed. Throws std::invalid_argument when the value requires no gradient or the seed's shape
  /// differs.
  void backward(Tensor seed = {}) const;

 private:
  struct Node;
  std::shared_ptr<Node> node_;
};

/// common_device() of the values' data; empty values do not count.
Device common_device(const char* operation, std::initializer_list<const Value*> inputs);

/// Whether an operation on these inputs must save what its backward needs. Empty values count as
/// needing none.
bool needs_grad(std::initializer_list<const Value*> inputs);

/// While one lives, this thread records nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

}  // namespace tinct
