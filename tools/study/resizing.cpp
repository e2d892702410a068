// Upsampling and blurring for study.
#include "kernels/bilinear_upsample.h"
#include "kernels/gaussian_blur.h"
#include "kernels/nearest_upsample.h"
#include "kernels/shifted_upsample.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Kind = SettingKind;

const OpSetting size_setting{"size", Kind::pair, "64", "h,w of the larger map"};
const OpSetting align_setting{
    "align", Kind::choice, "half-pixel", "", {"half-pixel", "corners", "legacy"}};

Align align_of(const Problem& p) {
  return static_cast<Align>(p.set.choice("align"));
}

// Two maps: x of `small`, y of (n,oh,ow,c).
struct Maps {
  explicit Maps(const Problem& p) : small{p[0], p[1], p[2], p[3]} {
    const auto [h, w] = p.set.pair("size");
    oh = h;
    ow = w;
  }
  std::size_t outputs() const { return small.n * oh * ow * small.c; }
  Shape small;
  std::size_t oh = 0, ow = 0;
};

using Resize = void (*)(const Shape&, std::size_t, std::size_t, Align, const float*, float*);

// A number of y takes two mixes down and one along, two multiply-adds each.
constexpr double kFlopsOfMix = 6;

Run bilinear_f32(const Problem& p) {
  constexpr Resize kRungs[] = {bilinear_upsample_naive, bilinear_upsample_packs, bilinear_upsample};
  const Resize rung = kRungs[p.rung.number - 1];
  const Maps m(p);
  const Align align = align_of(p);
  Run run{{in("x", m.small.size()), out("y", m.outputs())},
          kFlopsOfMix * static_cast<double>(m.outputs())};
  TINCT_STUDY_CALLS(run, float, ref::bilinear_upsample, rung, m.small, m.oh, m.ow, align, AT(0),
                    AT(1));
  return run;
}

Run bilinear_backward_f32(const Problem& p) {
  constexpr Resize kRungs[] = {bilinear_upsample_backward_naive, bilinear_upsample_backward_packs,
                               bilinear_upsample_backward};
  const Resize rung = kRungs[p.rung.number - 1];
  const Maps m(p);
  const Align align = align_of(p);
  Run run{{in("dy", m.outputs()), out("dx", m.small.size())},
          kFlopsOfMix * static_cast<double>(m.outputs())};
  TINCT_STUDY_CALLS(run, float, ref::bilinear_upsample_backward, rung, m.small, m.oh, m.ow, align,
                    AT(0), AT(1));
  return run;
}

Run bilinear_bf16(const Problem& p) {
  const Maps m(p);
  const Align align = align_of(p);
  Run run{{in<bf16>("x", m.small.size()), out<bf16>("y", m.outputs())},
          kFlopsOfMix * static_cast<double>(m.outputs()),
          tolerance<bf16>()};
  TINCT_STUDY_CALLS(run, bf16, ref::bilinear_upsample, bilinear_upsample, m.small, m.oh, m.ow,
                    align, AT(0), AT(1));
  return run;
}

Run bilinear_backward_bf16(const Problem& p) {
  const Maps m(p);
  const Align align = align_of(p);
  Run run{{in<bf16>("dy", m.outputs()), out<bf16>("dx", m.small.size())},
          kFlopsOfMix * static_cast<double>(m.outputs()),
          tolerance<bf16>()};
  TINCT_STUDY_CALLS(run, bf16, ref::bilinear_upsample_backward, bilinear_upsample_backward, m.small,
                    m.oh, m.ow, align, AT(0), AT(1));
  return run;
}

template <class T>
Run nearest(const Problem& p) {
  const Maps m(p);
  Run run{{in<T>("x", m.small.size()), out<T>("y", m.outputs())}, 0, tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::nearest_upsample, nearest_upsample, m.small, m.oh, m.ow, AT(0),
                    AT(1));
  return run;
}

template <class T>
Run nearest_backward(const Problem& p) {
  const Maps m(p);
  Run run{{in<T>("dy", m.outputs()), out<T>("dx", m.small.size())},
          static_cast<double>(m.outputs()),
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::nearest_upsample_backward, nearest_upsample_backward, m.small,
                    m.oh, m.ow, AT(0), AT(1));
  return run;
}

ShiftedUpsample shifted_shape(const Problem& p) {
  const auto [h, w] = p.set.pair("size");
  return {p[0], p[1], h, w, p.set.count("kernel"), p[2], p[2]};
}

Run shifted(const Problem& p) {
  const ShiftedUpsample s = shifted_shape(p);
  const std::size_t small = s.h * s.w * s.kernel * s.kernel * s.c, large = s.oh * s.ow * s.c;
  Run run{{in("g", small), updated("y", large)},
          kFlopsOfMix * static_cast<double>(large * s.kernel * s.kernel)};
  TINCT_STUDY_CALLS(run, float, ref::add_shifted_upsample, add_shifted_upsample, s, AT(0), AT(1));
  return run;
}

Run shifted_backward(const Problem& p) {
  const ShiftedUpsample s = shifted_shape(p);
  const std::size_t small = s.h * s.w * s.kernel * s.kernel * s.c, large = s.oh * s.ow * s.c;
  Run run{{in("dy", large), out("dg", small)},
          kFlopsOfMix * static_cast<double>(large * s.kernel * s.kernel)};
  TINCT_STUDY_CALLS(run, float, ref::shifted_upsample_backward, shifted_upsample_backward, s, AT(0),
                    AT(1));
  return run;
}

Run blurred(const Problem& p) {
  using Blur = void (*)(const Shape&, const std::vector<float>&, Border, const float*, float*);
  constexpr Blur kRungs[] = {gaussian_blur_two_pass, gaussian_blur};
  const Blur rung = kRungs[p.rung.number - 1];
  const Shape s{p[0], p[1], p[2], p[3]};
  const std::vector<float> taps = gaussian_taps(p.set.count("taps"), p.set.number("sigma"));
  Run run{{in("x", s.size()), out("y", s.size())},
          4.0 * static_cast<double>(taps.size() * s.size())};
  TINCT_STUDY_CALLS(run, float, ref::gaussian_blur, rung, s, taps, Border::symmetric, AT(0), AT(1));
  return run;
}

std::vector<Rung> bilinear_ladder(const std::string& name) {
  return {{1, "naive", name + "_naive", "kernels/bilinear_upsample_naive.cu",
           "a thread a number: 4 loads an output, 16 an input on the way back"},
          {2, "packs", name + "_packs", "kernels/bilinear_upsample_packs.cu",
           "a thread 16 bytes of channels: a quarter of the requests"},
          {3, "walk", name, "kernels/bilinear_upsample.cu",
           "a thread walks down a column and mixes each row along it once", both_types}};
}

void add_upsampling(std::vector<Kernel>& list) {
  const std::vector<study::Extent> map_shape = {{"n", 1}, {"h", 32}, {"w", 32}, {"c", 64}};
  const char* const packs = "a thread 16 bytes of channels";
  list.push_back({"bilinear_upsample",
                  "bilinear resizing",
                  map_shape,
                  {size_setting, align_setting},
                  bilinear_ladder("bilinear_upsample"),
                  [](const Problem& p) {
                    return p.stored == Stored::bf16 ? bilinear_bf16(p) : bilinear_f32(p);
                  }});
  list.push_back({"bilinear_upsample_backward",
                  "its adjoint, as a gather",
                  map_shape,
                  {size_setting, align_setting},
                  bilinear_ladder("bilinear_upsample_backward"),
                  [](const Problem& p) {
                    return p.stored == Stored::bf16 ? bilinear_backward_bf16(p)
                                                    : bilinear_backward_f32(p);
                  }});
  list.push_back({"nearest_upsample",
                  "nearest-neighbour resizing",
                  map_shape,
                  {size_setting},
                  {only("nearest_upsample", "nearest_upsample.cu", packs, both_types)},
                  TINCT_STUDY_BY_TYPE(nearest)});
  list.push_back({"nearest_upsample_backward",
                  "its adjoint: a sum over one rectangle",
                  map_shape,
                  {size_setting},
                  {only("nearest_upsample_backward", "nearest_upsample.cu", packs, both_types)},
                  TINCT_STUDY_BY_TYPE(nearest_backward)});
}

void add_shifted(std::vector<Kernel>& list) {
  const std::vector<study::Extent> small_shape = {{"h", 16}, {"w", 16}, {"c", 32}};
  const std::vector<OpSetting> settings = {size_setting, {"kernel", Kind::count, "3", "odd"}};
  list.push_back({"add_shifted_upsample",
                  "a hypercolumn's convolution: products of taps upsampled, shifted, added",
                  small_shape,
                  settings,
                  {only("add_shifted_upsample", "shifted_upsample.cu",
                        "a walk down the rows of y, a pair of small rows for each row of taps")},
                  shifted});
  list.push_back({"shifted_upsample_backward",
                  "its adjoint",
                  small_shape,
                  settings,
                  {only("shifted_upsample_backward", "shifted_upsample.cu",
                        "each row of dy summed along once for the taps above each other")},
                  shifted_backward});
}

}  // namespace

void add_resizing(std::vector<Kernel>& list) {
  add_upsampling(list);
  add_shifted(list);
  list.push_back(
      {"gaussian_blur",
       "a separable blur",
       {{"n", 1}, {"h", 64}, {"w", 64}, {"c", 2}},
       {{"taps", Kind::count, "5", "a side, odd"}, {"sigma", Kind::number, "1", "pixels"}},
       {{1, "two_pass", "gaussian_blur_two_pass", "kernels/gaussian_blur.cu",
         "along and down in a launch each"},
        {2, "tiles", "gaussian_blur", "kernels/gaussian_blur.cu",
         "a tile and its margin in shared memory: one read, one write"}},
       blurred});
}

}  // namespace tinct::gpu
