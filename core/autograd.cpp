// The graph of values and its backward pass.
#include "core/autograd.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <queue>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "core/arithmetic.h"
#include "core/threads.h"

namespace tinct {

struct Value::Node {
  Tensor data;
  Tensor grad;
  bool requires_grad = false;
  std::uint64_t number = 0;  // order of creation
  std::vector<Value> inputs;
  Backward backward;  // empty for a leaf
  std::any kept;
};

namespace {

thread_local bool recording = true;

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed);
}

// sum = a + b; writes into a's buffer when nobody else holds it.
void accumulate(Tensor& a, const Tensor& b) {
  Tensor sum = a.unique() ? a : Tensor(a.shape(), a.dtype(), a.device());
  if (a.device() == Device::cpu) {
    const float* pa = a.f32();
    const float* pb = b.f32();
    float* ps = sum.f32();
    parallel_for(a.size(), [=](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ps[i] = pa[i] + pb[i];
    });
  } else {
#ifdef TINCT_WITH_GPU
    if (a.dtype() == DType::bf16) {
      gpu::accumulate(a.size(), a.as<bf16>(), b.as<bf16>(), sum.as<bf16>());
    } else {
      gpu::accumulate(a.size(), a.f32(), b.f32(), sum.f32());
    }
#endif
  }
  a = std::move(sum);
}

}  // namespace

Value::Value(Tensor data, bool requires_grad) : node_(std::make_shared<Node>()) {
  node_->data = std::move(data);
  node_->requires_grad = requires_grad;
  node_->number = next_number();
}

Value::Value(Tensor data, std::vector<Value> inputs, Backward backward) : Value(std::move(data)) {
  const bool needed = recording && std::any_of(inputs.begin(), inputs.end(), [](const Value& v) {
                        return v.defined() && v.requires_grad();
                      });
  if (!needed) return;
  node_->requires_grad = true;
  node_->inputs = std::move(inputs);
  node_->backward = std::move(backward);
}

const Tensor& Value::data() const {
  if (!node_) throw std::invalid_argument("Value: the value is empty");
  return node_->data;
}

Tensor& Value::mutable_data() {
  auto& data = const_cast<Tensor&>(this->data());
  node_->kept.reset();
  return data;
}

std::any& Value::kept() const {
  if (!node_) throw std::invalid_argument("Value::kept: the value is empty");
  return node_->kept;
}

bool Value::requires_grad() const {
  return node_ && node_->requires_grad;
}

void Value::set_requires_grad(bool requires_grad) {
  if (!node_ || node_->backward) {
    throw std::invalid_argument("Value::set_requires_grad: only a leaf can be frozen or thawed");
  }
  node_->requires_grad = requires_grad;
  node_->kept.reset();
}

bool Value::has_grad() const {
  return node_ && node_->grad.defined();
}

const Tensor& Value::grad() const {
  if (!has_grad()) throw std::invalid_argument("Value::grad: no gradient has reached this value");
  return node_->grad;
}

Tensor& Value::mutable_grad() {
  return const_cast<Tensor&>(grad());
}

void Value::add_grad(Tensor g) const {
  if (!requires_grad()) return;
  if (g.shape() != shape() || g.dtype() != data().dtype()) {
    throw std::invalid_argument("Value::add_grad: a gradient of shape " + to_string(g.shape()) +
                                ", " + to_string(g.dtype()) + ", for a value of shape " +
                                to_string(shape()) + ", " + to_string(data().dtype()));
  }
  common_device("Value::add_grad", {&data(), &g});
  if (!node_->grad.defined()) {
    node_->grad = std::move(g);
  } else {
    accumulate(node_->grad, g);
  }
}

void Value::clear_grad() const {
  if (node_) node_->grad = {};
}

void Value::backward(Tensor seed) const {
  if (!requires_grad()) {
    throw std::invalid_argument("Value::backward: nothing under this value requires a gradient");
  }
  add_grad(seed.defined() ? std::move(seed) : Tensor::full(shape(), 1.0f, device()));

  const auto older = [](const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) {
    return a->number < b->number;
  };
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, decltype(older)>
      waiting(older);
  std::unordered_set<std::uint64_t> seen = {node_->number};
  waiting.push(node_);
  while (!waiting.empty()) {
    const std::shared_ptr<Node> node = waiting.top();
    waiting.pop();
    if (!node->backward) continue;  // a leaf keeps its gradient
    std::vector<Value> inputs = std::exchange(node->inputs, {});
    const Backward backward = std::exchange(node->backward, nullptr);
    const Tensor dy = std::exchange(node->grad, {});
    if (dy.defined()) backward(inputs, dy);
    for (const Value& input : inputs) {
      if (input.requires_grad() && seen.insert(input.node_->number).second) {
        waiting.push(input.node_);
      }
    }
  }
}

Device common_device(const char* operation, std::initializer_list<const Value*> inputs) {
  const Value* first = nullptr;
  for (const Value* v : inputs) {
    if (!v->defined()) continue;
    if (first == nullptr) first = v;
    common_device(operation, {&first->data(), &v->data()});
  }
  return first == nullptr ? Device::cpu : first->device();
}

bool needs_grad(std::initializer_list<const Value*> inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(), [](const Value* v) {
           return v->defined() && v->requires_grad();
         });
}

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}

NoGrad::~NoGrad() {
  recording = before_;
}

}  // namespace tinct
