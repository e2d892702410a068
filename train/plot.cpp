// Line plots drawn into a picture, with a small font of their own.
#include "train/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "core/text.h"

namespace tinct {
namespace {

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kInk = {40, 44, 52};
constexpr Colour kGrid = {224, 226, 230};
constexpr Colour kFaint = {178, 206, 235};
constexpr Colour kLine = {23, 98, 178};

// Three by five pixels a letter, an octal digit a row.
constexpr const char* kFont =
    "0 75557 1 26227 2 71747 3 71717 4 55711 5 74717 6 74757 7 71122 8 75757 9 75717 "
    "A 25755 B 65656 C 34443 D 65556 E 74647 F 74644 G 34553 H 55755 I 72227 J 11152 K 55655 "
    "L 44447 M 57755 N 65555 O 25552 P 65644 Q 25573 R 65655 S 34216 T 72222 U 55557 V 55552 "
    "W 55775 X 55255 Y 55222 Z 71247 . 00002 , 00024 : 02020 - 00700 + 02720 ( 12221 ) 42224 "
    "/ 11244 _ 00007 = 07070 % 51245 ";

const char* glyph(char letter) {
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  for (const char* p = kFont; *p; p += 8) {
    if (*p == letter) return p + 2;
  }
  return nullptr;
}

struct Canvas {
  Image image;

  void dot(long x, long y, const Colour& c) {
    if (x < 0 || y < 0 || x >= static_cast<long>(image.width) ||
        y >= static_cast<long>(image.height)) {
      return;
    }
    const std::size_t at =
        (static_cast<std::size_t>(y) * image.width + static_cast<std::size_t>(x)) * 3;
    std::copy(c.begin(), c.end(), image.pixels.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void line(double x0, double y0, double x1, double y1, const Colour& c) {
    const long n = std::max(1L, std::lround(std::max(std::abs(x1 - x0), std::abs(y1 - y0))));
    for (long i = 0; i <= n; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(n);
      dot(std::lround(x0 + t * (x1 - x0)), std::lround(y0 + t * (y1 - y0)), c);
    }
  }

  // Letters of 6 by 10 pixels, 8 apart.
  void text(long x, long y, const std::string& letters) {
    for (const char letter : letters) {
      if (const char* rows = glyph(letter)) {
        for (long i = 0; i < 60; ++i) {
          if ((rows[i / 12] - '0') >> (2 - i % 6 / 2) & 1) dot(x + i % 6, y + i / 6, kInk);
        }
      }
      x += 8;
    }
  }
};

// Where values stand on one panel.
struct Axes {
  double left, right, top, bottom;  // pixels
  double x0, x1, y0, y1;            // values; y in log10 when logarithmic
  bool logarithmic;

  double px(double x) const { return left + (right - left) * (x - x0) / (x1 - x0); }
  double height_of(double y) const { return logarithmic ? std::log10(y) : y; }
  double py(double y) const { return bottom - (bottom - top) * (height_of(y) - y0) / (y1 - y0); }
  double value_at(double fraction) const {
    const double y = y0 + (y1 - y0) * fraction;
    return logarithmic ? std::pow(10.0, y) : y;
  }
};

Axes fit(const std::vector<std::pair<long, double>>& points, double left, double right, double top,
         double bottom) {
  double low = points.front().second, high = low;
  for (const auto& point : points) {
    low = std::min(low, point.second);
    high = std::max(high, point.second);
  }
  Axes axes{left, right, top, bottom, 0, 0, low, high, low > 0 && high > 4 * low};
  axes.x0 = static_cast<double>(points.front().first);
  axes.x1 = std::max(axes.x0 + 1, static_cast<double>(points.back().first));
  axes.y0 = axes.height_of(low);
  axes.y1 = axes.height_of(high);
  const double margin = std::max(0.05 * (axes.y1 - axes.y0), 1e-9 + 1e-6 * std::abs(axes.y1));
  axes.y0 -= margin;
  axes.y1 += margin;
  return axes;
}

void draw_grid(Canvas& canvas, const Axes& axes) {
  constexpr int kLines = 4;
  for (int i = 0; i <= kLines; ++i) {
    const double fraction = static_cast<double>(i) / kLines;
    const double y = axes.bottom - (axes.bottom - axes.top) * fraction;
    canvas.line(axes.left, y, axes.right, y, kGrid);
    const std::string label = printed("%.3g", axes.value_at(fraction));
    canvas.text(static_cast<long>(axes.left) - 8 * static_cast<long>(label.size()) - 4,
                std::lround(y) - 5, label);
    const double x = axes.left + (axes.right - axes.left) * fraction;
    canvas.line(x, axes.top, x, axes.bottom, kGrid);
    const std::string step = std::to_string(std::lround(axes.x0 + (axes.x1 - axes.x0) * fraction));
    canvas.text(std::lround(x) - 4 * static_cast<long>(step.size()),
                static_cast<long>(axes.bottom) + 8, step);
  }
}

void draw(Canvas& canvas, const Axes& axes, const std::vector<std::pair<long, double>>& points,
          const Colour& colour, bool thick) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& [x0, y0] = points[i > 0 ? i - 1 : 0];
    const auto& [x1, y1] = points[i];
    for (int shift = 0; shift <= (thick ? 1 : 0); ++shift) {
      canvas.line(axes.px(static_cast<double>(x0)), axes.py(y0) + shift,
                  axes.px(static_cast<double>(x1)), axes.py(y1) + shift, colour);
    }
  }
}

// An exponential running mean, free of the pull of its beginning.
std::vector<std::pair<long, double>> smoothed(const std::vector<std::pair<long, double>>& points) {
  const double keep = 1 - 1 / std::clamp(static_cast<double>(points.size()) / 50, 2.0, 200.0);
  std::vector<std::pair<long, double>> out;
  double sum = 0, weight = 0;
  for (const auto& [x, y] : points) {
    sum = keep * sum + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    out.emplace_back(x, sum / weight);
  }
  return out;
}

}  // namespace

Image plot(const std::vector<Panel>& panels, std::size_t width, std::size_t height) {
  Canvas canvas{make_image(height * std::max<std::size_t>(1, panels.size()), width, 3)};
  std::fill(canvas.image.pixels.begin(), canvas.image.pixels.end(), std::uint8_t{255});
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const double top = static_cast<double>(i * height);
    canvas.text(80, std::lround(top) + 10, panels[i].title);
    std::vector<std::pair<long, double>> points;
    for (const auto& point : panels[i].curve.points) {
      if (std::isfinite(point.second)) points.push_back(point);
    }
    if (points.empty()) continue;
    const Axes axes = fit(points, 80, static_cast<double>(width) - 30, top + 30,
                          top + static_cast<double>(height) - 34);
    draw_grid(canvas, axes);
    if (panels[i].curve.smooth) {
      draw(canvas, axes, points, kFaint, false);
      draw(canvas, axes, smoothed(points), kLine, true);
    } else {
      draw(canvas, axes, points, kLine, true);
    }
  }
  return canvas.image;
}

}  // namespace tinct
