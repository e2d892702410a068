// Fully connected layers on values.
#include "layers/fully_connected.h"

#include <stdexcept>
#include <utility>

#include "kernels/fully_connected.h"
#include "kernels/twins.h"
#include "layers/cast.h"
#include "layers/count.h"
#include "layers/producer.h"

namespace tinct {

Value fully_connected(const Value& input, const Value& w, const Value& bias,
                      Activation activation) {
  const Value x = cast(input, DType::f32);
  const std::size_t rows = x.shape().n;
  const std::size_t in = x.shape().size() / (rows ? rows : 1);
  if (w.shape() != Shape{w.shape().n, 1, 1, in}) {
    throw std::invalid_argument("fully_connected: input " + to_string(x.shape()) + ", weights " +
                                to_string(w.shape()));
  }
  if (rows * in * w.shape().n == 0) {
    throw std::invalid_argument("fully_connected: an extent of input " + to_string(x.shape()) +
                                " or weights " + to_string(w.shape()) + " is zero");
  }
  const FullyConnectedShape s{rows, in, w.shape().n};
  check_bias("fully_connected", bias, s.out);
  add_macs(rows * in * s.out);
  const Device device = common_device("fully_connected", {&x, &w, &bias});
  Tensor y({rows, 1, 1, s.out}, device);
  TINCT_ON(device, fully_connected, s, x.data().f32(), w.data().f32(), bias_data(bias), activation,
           y.f32());
  const Tensor& weights = w.data();
  const Value result = produced(
      std::move(y), x, w, bias, activation,
      {[s, weights](const Tensor& dy, Tensor& dx) {
         TINCT_ON(dy.device(), fully_connected_backward_data, s, dy.f32(), weights.f32(), dx.f32());
       },
       [s](const Tensor& x, const Tensor& dy, float* dw, float* db) {
         TINCT_ON(dy.device(), fully_connected_backward_weights, s, x.f32(), dy.f32(), dw, db);
       }});
  return cast(result, input.data().dtype());
}

void FullyConnected::collect(Parameters& parameters, const std::string& prefix) const {
  collect_weight_and_bias(parameters, prefix, weight, bias);
}

FullyConnected make_fully_connected(std::size_t in, std::size_t out, bool with_bias,
                                    Initializer& init, Activation activation) {
  return {Value(init.draw({out, 1, 1, in}), true), make_bias(out, with_bias), activation};
}

}  // namespace tinct
