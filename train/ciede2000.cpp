// The CIEDE2000 colour difference.
#include "train/ciede2000.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tinct {

double ciede2000(const double lab1[3], const double lab2[3]) {
  constexpr double degrees = 180 / std::numbers::pi;
  constexpr double k25_7 = 6103515625.0;  // 25^7
  const double c1 = std::hypot(lab1[1], lab1[2]);
  const double c2 = std::hypot(lab2[1], lab2[2]);
  const double c7 = std::pow((c1 + c2) / 2, 7);
  const double g = 0.5 * (1 - std::sqrt(c7 / (c7 + k25_7)));
  const double a1 = (1 + g) * lab1[1];
  const double a2 = (1 + g) * lab2[1];
  const double cp1 = std::hypot(a1, lab1[2]);
  const double cp2 = std::hypot(a2, lab2[2]);
  const auto hue = [&](double a, double b) {
    if (a == 0 && b == 0) return 0.0;
    const double h = std::atan2(b, a) * degrees;
    return h < 0 ? h + 360 : h;
  };
  const double h1 = hue(a1, lab1[2]);
  const double h2 = hue(a2, lab2[2]);
  const double dl = lab2[0] - lab1[0];
  const double dc = cp2 - cp1;
  const bool grey = cp1 * cp2 == 0;
  double dh = h2 - h1;
  if (grey) dh = 0;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const double dH = 2 * std::sqrt(cp1 * cp2) * std::sin(dh / 2 / degrees);
  const double l = (lab1[0] + lab2[0]) / 2;
  const double c = (cp1 + cp2) / 2;
  double h = h1 + h2;
  if (!grey) {
    if (std::abs(h1 - h2) <= 180) {
      h /= 2;
    } else {
      h = (h < 360 ? h + 360 : h - 360) / 2;
    }
  }
  const auto cosine = [&](double angle) { return std::cos(angle / degrees); };
  const double t = 1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) -
                   0.20 * cosine(4 * h - 63);
  const double theta = 30 * std::exp(-std::pow((h - 275) / 25, 2));
  const double cc7 = std::pow(c, 7);
  const double rc = 2 * std::sqrt(cc7 / (cc7 + k25_7));
  const double l50 = (l - 50) * (l - 50);
  const double sl = 1 + 0.015 * l50 / std::sqrt(20 + l50);
  const double sc = 1 + 0.045 * c;
  const double sh = 1 + 0.015 * c * t;
  const double rt = -std::sin(2 * theta / degrees) * rc;
  const double x = dl / sl;
  const double y = dc / sc;
  const double z = dH / sh;
  return std::sqrt(std::max(0.0, x * x + y * y + z * z + rt * y * z));
}

}  // namespace tinct
