// Fitting one Lab colour into sRGB by bisection.
#include "kernels/gamut.h"

namespace tinct::ref {
namespace {

bool inside(const Colour& lab) {
  const double tolerance = 1e-6;
  for (const double light : lab_to_linear(lab)) {
    if (!(light >= -tolerance && light <= 1 + tolerance)) return false;
  }
  return true;
}

}  // namespace

Colour fit_to_gamut(const Colour& lab) {
  if (inside(lab)) return lab;
  double low = 0, high = 1;
  for (int step = 0; step < 12; ++step) {
    const double middle = (low + high) / 2;
    (inside({lab[0], middle * lab[1], middle * lab[2]}) ? low : high) = middle;
  }
  return {lab[0], low * lab[1], low * lab[2]};
}

}  // namespace tinct::ref
