// Bilinear resizing, rung 1: a thread owns one number and reads everything it needs.
//
// Forward 4 loads an output; backward, of a picture doubled, 16 loads an input and as many weights.
// Lanes are neighbouring channels, so requests are whole sectors, but each moves 128 bytes: four
// times the instructions of the second rung.
#include "kernels/bilinear_device.h"

namespace tinct::gpu {
namespace {

__global__ void forward(ResizeAxis rows, ResizeAxis columns, unsigned c, std::size_t outputs,
                        const float* x, float* y) {
  for (std::size_t i = first_item(); i < outputs; i += item_step()) {
    const std::size_t pixel = i / c, line = pixel / columns.out;
    const ResizeTap down = tap(rows, static_cast<unsigned>(line % rows.out));
    const ResizeTap across = tap(columns, static_cast<unsigned>(pixel % columns.out));
    const float* image = x + line / rows.out * rows.in * columns.in * c + i % c;
    const auto at = [=](unsigned iy, unsigned ix) {
      return image[(std::size_t{iy} * columns.in + ix) * c];
    };
    const float left = at(down.first, across.first), right = at(down.first, across.second);
    const float top = left + across.weight * (right - left);
    const float lower_left = at(down.second, across.first);
    const float lower_right = at(down.second, across.second);
    const float bottom = lower_left + across.weight * (lower_right - lower_left);
    y[i] = top + down.weight * (bottom - top);
  }
}

__global__ void backward(ResizeAxis rows, ResizeAxis columns, unsigned c, std::size_t inputs,
                         const float* dy, float* dx) {
  for (std::size_t i = first_item(); i < inputs; i += item_step()) {
    const std::size_t pixel = i / c, line = pixel / columns.in;
    const unsigned iy = static_cast<unsigned>(line % rows.in);
    const unsigned ix = static_cast<unsigned>(pixel % columns.in);
    const float* image = dy + line / rows.in * rows.out * columns.out * c + i % c;
    const ResizeSpan down = readers(rows, iy), across = readers(columns, ix);
    float sum = 0;
    for (unsigned oy = down.begin; oy < down.end; ++oy) {
      for (unsigned ox = across.begin; ox < across.end; ++ox) {
        sum += share_of(rows, oy, iy) * share_of(columns, ox, ix) *
               image[(std::size_t{oy} * columns.out + ox) * c];
      }
    }
    dx[i] = sum;
  }
}

}  // namespace

void bilinear_upsample_naive(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                             const float* x, float* y) {
  const std::size_t outputs = s.n * oh * ow * s.c;
  if (outputs == 0) return;
  launch(over(outputs), forward, resize_axis("bilinear_upsample", s.h, oh, align),
         resize_axis("bilinear_upsample", s.w, ow, align), static_cast<unsigned>(s.c), outputs, x,
         y);
}

void bilinear_upsample_backward_naive(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                      const float* dy, float* dx) {
  if (s.size() == 0) return;
  launch(over(s.size()), backward, resize_axis("bilinear_upsample_backward", s.h, oh, align),
         resize_axis("bilinear_upsample_backward", s.w, ow, align), static_cast<unsigned>(s.c),
         s.size(), dy, dx);
}

}  // namespace tinct::gpu
