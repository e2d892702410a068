// Pooling for study.
#include <array>
#include <stdexcept>

#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Kind = SettingKind;

PoolShape shape_of(const Problem& p, const char* operation) {
  const auto [kh, kw] = p.set.pair("kernel");
  const auto [stride_h, stride_w] = p.set.pair("stride");
  const auto [top, left, bottom, right] = p.set.sides("pad");
  const PoolShape s{{p[0], p[1], p[2], p[3]},
                    {kh, kw, stride_h, stride_w, top, left, bottom, right}};
  s.check(operation);
  return s;
}

// An operation an element of each window.
double flops(const PoolShape& s) {
  return static_cast<double>(s.y().size() * s.window.kh * s.window.kw);
}

template <class T>
Run largest(const Problem& p) {
  const PoolShape s = shape_of(p, "max_pool");
  const std::size_t outputs = s.y().size();
  Run run{{in<T>("x", s.x.size()), out<T>("y", outputs), out<std::uint8_t>("which", outputs)},
          flops(s),
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::max_pool, max_pool, s, AT(0), AT(1), U8(2));
  return run;
}

template <class T>
Run largest_backward(const Problem& p) {
  const PoolShape s = shape_of(p, "max_pool");
  if (p.set.sides("pad") != std::array<std::size_t, 4>{}) {
    throw std::invalid_argument(
        "max_pool_backward is studied without padding: its choices are drawn");
  }
  const std::size_t outputs = s.y().size(), inside = s.window.kh * s.window.kw;
  ArraySpec which = in<std::uint8_t>("which", outputs);
  which.draw = [inside](std::size_t, float u) {
    return static_cast<float>(static_cast<std::size_t>(u * static_cast<float>(inside)));
  };
  Run run{{which, in<T>("dy", outputs), out<T>("dx", s.x.size())}, flops(s), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::max_pool_backward, max_pool_backward, s, U8(0), AT(1), AT(2));
  return run;
}

template <class T>
Run mean(const Problem& p) {
  const PoolShape s = shape_of(p, "average_pool");
  Run run{{in<T>("x", s.x.size()), out<T>("y", s.y().size())}, flops(s), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::average_pool, average_pool, s, true, AT(0), AT(1));
  return run;
}

template <class T>
Run mean_backward(const Problem& p) {
  const PoolShape s = shape_of(p, "average_pool");
  Run run{{in<T>("dy", s.y().size()), out<T>("dx", s.x.size())}, flops(s), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::average_pool_backward, average_pool_backward, s, true, AT(0),
                    AT(1));
  return run;
}

template <class T>
Run global_mean(const Problem& p) {
  const Shape s{p[0], p[1], p[2], p[3]};
  Run run{{in<T>("x", s.size()), out<T>("y", s.n * s.c)},
          static_cast<double>(s.size()),
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::global_average_pool, global_average_pool, s, AT(0), AT(1));
  return run;
}

template <class T>
Run global_mean_backward(const Problem& p) {
  const Shape s{p[0], p[1], p[2], p[3]};
  Run run{{in<T>("dy", s.n * s.c), out<T>("dx", s.size())},
          static_cast<double>(s.size()),
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::global_average_pool_backward, global_average_pool_backward, s,
                    AT(0), AT(1));
  return run;
}

const std::vector<study::Extent> map_shape = {{"n", 1}, {"h", 32}, {"w", 32}, {"c", 64}};

Kernel pool(const char* name, const char* summary, const char* file, const char* idea,
            std::function<Run(const Problem&)> prepare) {
  return {name,
          summary,
          map_shape,
          {{"kernel", Kind::pair, "2", "h,w"},
           {"stride", Kind::pair, "2", "h,w"},
           {"pad", Kind::sides, "0", "rows and columns"}},
          {only(name, file, idea, both_types)},
          std::move(prepare)};
}

}  // namespace

void add_pooling(std::vector<Kernel>& list) {
  list.push_back(pool("max_pool", "the largest of each window, and which it was", "max_pool.cu",
                      "packs of channels a lane; the four loads of a 2 x 2 window at once",
                      TINCT_STUDY_BY_TYPE(largest)));
  list.push_back(pool("max_pool_backward", "dy to the element that each window chose",
                      "max_pool.cu", "a gather: each input asks the windows that hold it",
                      TINCT_STUDY_BY_TYPE(largest_backward)));
  list.push_back(pool("average_pool", "the mean of each window", "average_pool.cu",
                      "packs of channels a lane", TINCT_STUDY_BY_TYPE(mean)));
  list.push_back(pool("average_pool_backward", "dy spread over each window", "average_pool.cu",
                      "a gather: each input asks the windows that hold it",
                      TINCT_STUDY_BY_TYPE(mean_backward)));
  list.push_back({"global_average_pool",
                  "the mean of each channel",
                  map_shape,
                  {},
                  {only("global_average_pool", "global_average_pool.cu",
                        "a warp every few pixels, the warps added in order", both_types)},
                  TINCT_STUDY_BY_TYPE(global_mean)});
  list.push_back({"global_average_pool_backward",
                  "dy / (h w), everywhere",
                  map_shape,
                  {},
                  {only("global_average_pool_backward", "global_average_pool.cu",
                        "packs of channels a lane", both_types)},
                  TINCT_STUDY_BY_TYPE(global_mean_backward)});
}

}  // namespace tinct::gpu
