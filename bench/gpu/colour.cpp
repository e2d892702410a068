// Colour conversions of whole batches of pictures.
#include "kernels/colour.h"

#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/gamut.h"

namespace tinct::bench {
namespace {

constexpr std::size_t kBatch = 16, kSide = 224;

// Pixels of colours that sRGB has.
struct Data {
  explicit Data(std::size_t pixels) : host(3 * pixels), out(3 * pixels) {
    const Pool<float>& pool = Pool<float>::get();
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = 0.5f + 0.5f * pool.at(i);
    rgb = device::Array<float>(host.data(), host.size());
    lab = device::Array<float>(3 * pixels);
    gpu::srgb_to_lab(pixels, rgb.data(), lab.data());
  }
  std::vector<float> host;
  device::Array<float> rgb, lab;
  Output<float> out;
};

template <class Run, class Plain>
void run_case(GpuBench& bench, const char* group, double tolerance, Run&& run, Plain&& plain) {
  const Shape s{bench.extent(kBatch, 1), bench.extent(kSide, 12), bench.extent(kSide, 16), 3};
  GpuCase work = memory_case<float>(group, s, 2 * static_cast<double>(s.size()));
  work.tolerance = tolerance;
  bench.run(work, [&] {
    const std::size_t pixels = s.pixels();
    const auto d = std::make_shared<Data>(pixels);
    std::vector<float> expected(s.size());
    for (std::size_t i = 0; i < pixels; ++i) {
      const ref::Colour in{d->host[3 * i], d->host[3 * i + 1], d->host[3 * i + 2]};
      const ref::Colour result = plain(in);
      for (std::size_t j = 0; j < 3; ++j) expected[3 * i + j] = static_cast<float>(result[j]);
    }
    return GpuWork{{{"tinct", [d, run, pixels] { run(pixels, *d); }, 0}},
                   [d] { d->out.poison(); },
                   [d, expected] { return largest_error(d->out.host(), expected); }};
  });
}

}  // namespace

void run_colours(GpuBench& bench) {
  run_case(
      bench, "srgb_to_lab", 2e-5,
      [](std::size_t n, Data& d) { gpu::srgb_to_lab(n, d.rgb.data(), d.out.data()); },
      [](const ref::Colour& rgb) { return ref::srgb_to_lab(rgb); });
  run_case(
      bench, "lab_to_srgb", 1e-4,
      [](std::size_t n, Data& d) { gpu::lab_to_srgb(n, d.lab.data(), d.out.data()); },
      [](const ref::Colour& rgb) { return rgb; });
  run_case(
      bench, "srgb_to_ycbcr", 2e-5,
      [](std::size_t n, Data& d) { gpu::srgb_to_ycbcr(n, d.rgb.data(), d.out.data()); },
      [](const ref::Colour& rgb) { return ref::srgb_to_ycbcr(rgb); });
}

}  // namespace tinct::bench
