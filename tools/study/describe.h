// How the list of kernels is written: arrays, and calls said once for the host and for the device.
//
// Included by tools/study/*.cpp alone, which are built twice: here tinct::gpu may stand for
// tinct::gpu_checked.
#pragma once

#include <type_traits>
#include <utility>

#include "core/simt/bf16.h"
#include "tools/study/study.h"

namespace tinct::gpu {
namespace {

using study::Arrays;
using study::ArraySpec;
using study::Kernel;
using study::Problem;
using study::Run;
using study::Rung;
using study::Stored;

const std::vector<Stored> both_types [[maybe_unused]] = {Stored::f32, Stored::bf16};

template <class T>
constexpr Stored stored_as() {
  if constexpr (sizeof(T) == 1) return Stored::u8;
  return sizeof(T) == 2 ? Stored::bf16 : Stored::f32;
}

template <class T = float>
[[maybe_unused]] ArraySpec in(const char* name, std::size_t size, double low = -1,
                              double high = 1) {
  return {name, size, stored_as<T>(), ArraySpec::input, low, high};
}
template <class T = float>
[[maybe_unused]] ArraySpec out(const char* name, std::size_t size) {
  return {name, size, stored_as<T>(), ArraySpec::output};
}
template <class T = float>
[[maybe_unused]] ArraySpec updated(const char* name, std::size_t size, double low = -1,
                                   double high = 1) {
  return {name, size, stored_as<T>(), ArraySpec::updated, low, high};
}

// What f returns, 0 for nothing.
template <class F>
double value_of(F&& f) {
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    return 0;
  } else {
    return f();
  }
}

// bf16 is rounded once, from sums in f32.
template <class T>
constexpr double tolerance() {
  return sizeof(T) == 2 ? 0x1p-8 : 2e-5;
}

// A kernel with one rung.
[[maybe_unused]] Rung only(const char* function, const char* file, const char* idea,
                           std::vector<Stored> types = {Stored::f32}) {
  return {1, "only", function, std::string("kernels/") + file, idea, std::move(types)};
}

}  // namespace
}  // namespace tinct::gpu

// The parts of the list.
namespace tinct::gpu {

void add_convolutions(std::vector<study::Kernel>& list);
void add_matrix_products(std::vector<study::Kernel>& list);
void add_elementwise(std::vector<study::Kernel>& list);
void add_pooling(std::vector<study::Kernel>& list);
void add_resizing(std::vector<study::Kernel>& list);
void add_batch_norm(std::vector<study::Kernel>& list);
void add_losses(std::vector<study::Kernel>& list);
void add_steps(std::vector<study::Kernel>& list);
void add_colour(std::vector<study::Kernel>& list);

}  // namespace tinct::gpu

/// The call f(arguments) as the reference of a run, and of g as its kernel. In the arguments AT(i)
/// is array i, whose numbers are T on the device and float on the host; F32(i) and U8(i) are the
/// arrays stored so in both.
#define TINCT_STUDY_CALLS(run, T, f, g, ...)           \
  do {                                                 \
    (run).reference = [=](const Arrays& arrays) {      \
      using Number [[maybe_unused]] = float;           \
      return value_of([&] { return f(__VA_ARGS__); }); \
    };                                                 \
    (run).kernel = [=](const Arrays& arrays) {         \
      using Number [[maybe_unused]] = T;               \
      return value_of([&] { return g(__VA_ARGS__); }); \
    };                                                 \
  } while (false)
#define AT(i) (arrays.template at<Number>(i))
#define F32(i) (arrays.template at<float>(i))
#define U8(i) (arrays.template at<std::uint8_t>(i))

/// prepare<float> or prepare<bf16>, as the problem says.
#define TINCT_STUDY_BY_TYPE(prepare)                                               \
  [](const Problem& p) {                                                           \
    return p.stored == Stored::bf16 ? prepare<tinct::bf16>(p) : prepare<float>(p); \
  }
