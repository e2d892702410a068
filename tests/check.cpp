// Comparing arrays, and gradients by central differences.
#include "tests/check.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "core/simt/device.h"

namespace tinct::test {
namespace {

std::string coordinates(const Shape& s, std::size_t i) {
  return "(" + std::to_string(i / (s.h * s.w * s.c)) + "," + std::to_string(i / (s.w * s.c) % s.h) +
         "," + std::to_string(i / s.c % s.w) + "," + std::to_string(i % s.c) + ")";
}

double weighted_sum(const Tensor& y, const Tensor& r) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += double{y.f32()[i]} * r.f32()[i];
  return sum;
}

}  // namespace

std::string difference(const Tensor& a, const Tensor& b, double relative, double absolute) {
  if (a.shape() != b.shape())
    return "shapes " + to_string(a.shape()) + " and " + to_string(b.shape());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a.f32()[i];
    const double y = b.f32()[i];
    if (!(std::abs(x - y) <= absolute + relative * std::abs(y))) {
      return "at " + coordinates(a.shape(), i) + " of " + to_string(a.shape()) + ": " +
             std::to_string(x) + " for " + std::to_string(y);
    }
  }
  return {};
}

std::string relative_error(const Tensor& a, const Tensor& b, double tolerance) {
  if (a.shape() != b.shape())
    return "shapes " + to_string(a.shape()) + " and " + to_string(b.shape());
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = double{a.f32()[i]} - b.f32()[i];
    error += d * d;
    norm += double{b.f32()[i]} * b.f32()[i];
  }
  if (error == 0) return {};
  const double figure = std::sqrt(error / std::max(norm, 1e-300));
  return figure <= tolerance ? std::string() : "relative error " + std::to_string(figure);
}

Tensor random_tensor(Shape shape, std::uint64_t seed) {
  const Random random(seed, Purpose::test);
  Tensor t(shape);
  for (std::size_t i = 0; i < t.size(); ++i) t.f32()[i] = 2 * random.uniform(i) - 1;
  return t;
}

std::string check_gradients(const std::function<Value(const std::vector<Value>&)>& f,
                            const std::vector<Tensor>& inputs, double step, double tolerance,
                            std::size_t most) {
  std::vector<Value> leaves;
  for (const Tensor& t : inputs) leaves.emplace_back(t.clone(), true);
  const Value y = f(leaves);
  const Tensor r = random_tensor(y.shape(), 77);
  Value(y).backward(r.clone());
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (!leaves[k].has_grad()) return "input " + std::to_string(k) + " has no gradient";
    const Tensor& grad = leaves[k].grad();
    double largest = 1e-6;
    for (std::size_t i = 0; i < grad.size(); ++i) {
      if (!std::isfinite(grad.f32()[i])) return "input " + std::to_string(k) + " is not finite";
      largest = std::max(largest, double{std::abs(grad.f32()[i])});
    }
    const std::size_t stride = std::max<std::size_t>(1, grad.size() / most);
    for (std::size_t i = 0; i < grad.size(); i += stride) {
      float& x = leaves[k].mutable_data().f32()[i];
      const float before = x;
      const auto at = [&](double offset) {
        x = static_cast<float>(before + offset);
        const NoGrad no_grad;
        return std::pair{weighted_sum(f(leaves).data(), r), double{x}};
      };
      const auto [up, x_up] = at(step);
      const auto [down, x_down] = at(-step);
      x = before;
      const double numeric = (up - down) / (x_up - x_down);
      if (!(std::abs(numeric - grad.f32()[i]) <= tolerance * largest)) {
        return "input " + std::to_string(k) + " at " + coordinates(grad.shape(), i) +
               ": gradient " + std::to_string(grad.f32()[i]) + ", differences give " +
               std::to_string(numeric);
      }
    }
  }
  return {};
}

bool has_device() {
  device::guard(true);  // nothing here may look into device memory unasked
  return device::backend() != device::Backend::none;
}

std::string check_on_device(const std::function<Value(const std::vector<Value>&)>& f,
                            const std::vector<Tensor>& inputs, double tolerance) {
  if (!has_device()) return {};
  std::vector<Value> here, there;
  for (const Tensor& t : inputs) {
    here.emplace_back(t.clone(), true);
    there.emplace_back(t.to(Device::gpu), true);
  }
  const auto differ = [&](const std::string& what, const Tensor& device, const Tensor& host) {
    double largest = 1e-6;
    for (std::size_t i = 0; i < host.size(); ++i) {
      largest = std::max(largest, std::abs(double{host.f32()[i]}));
    }
    const std::string text = difference(device.to(Device::cpu), host, 0, tolerance * largest);
    return text.empty() ? text : what + " on the device, " + text;
  };
  const Value y = f(here), y_device = f(there);
  if (const std::string text = differ("the value", y_device.data(), y.data()); !text.empty()) {
    return text;
  }
  const Tensor r = random_tensor(y.shape(), 77);
  y.backward(r);
  y_device.backward(r.to(y_device.device()));  // a loss is on the host
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::string name = "the gradient of input " + std::to_string(k);
    if (!here[k].has_grad() || !there[k].has_grad()) return name + " is missing";
    const std::string text = differ(name, there[k].grad(), here[k].grad());
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace tinct::test
