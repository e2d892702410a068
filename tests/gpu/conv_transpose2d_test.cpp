// Transposed convolution on the device against the plain loops.
#include "kernels/conv_transpose2d.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

using test::OnDevice;
using test::random_tensor;
using test::rounded;

constexpr double kTolerance = 2e-6;

ConvTranspose2dShape shape(std::size_t n, std::size_t h, std::size_t w, std::size_t c,
                           std::size_t k, std::size_t kernel, std::size_t stride) {
  ConvTranspose2dShape s;
  s.n = n, s.h = h, s.w = w, s.c = c, s.k = k;
  s.kh = s.kw = kernel;
  s.stride_h = s.stride_w = stride;
  return s;
}

// Stored as T; dw and db are f32 sums of what T keeps.
template <class T>
void check_as(const ConvTranspose2dShape& s, Activation activation) {
  CAPTURE(s.n, s.h, s.w, s.c, s.k, s.kh, s.kw, s.stride_h, s.stride_w, sizeof(T));
  const Tensor x = rounded<T>(random_tensor({s.n, s.h, s.w, s.c}, 1));
  const Tensor w = rounded<T>(random_tensor({s.k, s.kh, s.kw, s.c}, 2));
  const Tensor bias = random_tensor({1, 1, 1, s.k}, 3);
  const Tensor dy = rounded<T>(random_tensor({s.n, s.oh(), s.ow(), s.k}, 4));
  Tensor y(dy.shape()), dx(x.shape()), dw(w.shape()), db(bias.shape());
  ref::conv_transpose2d(s, x.f32(), w.f32(), bias.f32(), activation, y.f32());
  ref::conv_transpose2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
  ref::conv_transpose2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), db.f32());

  const test::OnDeviceAs<T> device_x(x), device_w(w), device_dy(dy);
  const OnDevice device_bias(bias);
  test::OnDeviceAs<T> out(y.shape()), out_dx(dx.shape());
  OnDevice out_dw(dw.shape()), out_db(db.shape());
  gpu::conv_transpose2d(s, device_x.data(), device_w.data(), device_bias.data(), activation,
                        out.data());
  CHECK(test::relative_error(out.tensor(), y, test::tolerance<T>(kTolerance)) == "");
  gpu::conv_transpose2d_backward_data(s, device_dy.data(), device_w.data(), out_dx.data());
  CHECK(test::relative_error(out_dx.tensor(), dx, test::tolerance<T>(kTolerance)) == "");
  gpu::conv_transpose2d_backward_weights(s, device_x.data(), device_dy.data(), out_dw.data(),
                                         out_db.data());
  CHECK(test::relative_error(out_dw.tensor(), dw, kTolerance) == "");
  CHECK(test::relative_error(out_db.tensor(), db, kTolerance) == "");
}

void check(const ConvTranspose2dShape& s, Activation activation) {
  check_as<float>(s, activation);
  check_as<bf16>(s, activation);
}

TEST_CASE("transposed convolutions on the device, both alignments", "[gpu][conv_transpose2d]") {
  // PyTorch's: the full output loses its first row.
  ConvTranspose2dShape torch = shape(2, 7, 5, 3, 2, 3, 2);
  torch.crop_top = torch.crop_left = torch.crop_bottom = torch.crop_right = 1;
  torch.output_pad_h = torch.output_pad_w = 1;
  check(torch, Activation::none);
  // Keras' "same": it loses its last row.
  ConvTranspose2dShape keras = shape(1, 4, 5, 8, 12, 3, 2);
  keras.crop_bottom = keras.crop_right = 1;
  check(keras, Activation::relu);
  ConvTranspose2dShape unet = shape(1, 4, 4, 12, 8, 4, 2);
  unet.crop_top = unet.crop_left = unet.crop_bottom = unet.crop_right = 1;
  check(unet, Activation::leaky_relu);
}

TEST_CASE("odd transposed convolutions on the device", "[gpu][conv_transpose2d]") {
  check(shape(1, 1, 1, 1, 1, 1, 1), Activation::none);
  // Pixels that no tap reaches hold the bias alone.
  ConvTranspose2dShape sparse = shape(2, 4, 4, 5, 6, 1, 3);
  sparse.stride_w = 2;
  check(sparse, Activation::tanh);
  // More output padding than cropping.
  ConvTranspose2dShape padded = shape(1, 4, 3, 17, 9, 3, 4);
  padded.crop_top = 2, padded.crop_bottom = 1;
  padded.output_pad_h = padded.output_pad_w = 3;
  check(padded, Activation::none);
  ConvTranspose2dShape dilated = shape(1, 3, 4, 7, 32, 2, 3);
  dilated.kw = 3, dilated.stride_w = 1, dilated.dilation_w = 2;
  dilated.crop_left = 2, dilated.output_pad_h = 2;
  check(dilated, Activation::sigmoid);
}

}  // namespace
}  // namespace tinct
