// Pooling each way: windows of 2x2, and whole pictures.
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"

namespace tinct::bench {
namespace {

// `large` has the input's size, `small` the output's.
template <class T>
struct Data {
  Data(const Shape& x, const Shape& y)
      : large(x.size(), 1), small(y.size(), 2), large_out(x.size()), small_out(y.size()) {}
  Input<T> large, small;
  Output<T> large_out, small_out;
  device::Array<std::uint8_t> which;
};

template <class T>
GpuWork forward_work(const std::shared_ptr<Data<T>>& d, std::function<void()> run,
                     const std::vector<float>& expected) {
  return {{{"tinct", std::move(run), 0}},
          [d] { d->small_out.poison(); },
          [d, expected] { return largest_error(d->small_out.host(), expected); }};
}

template <class T>
GpuWork backward_work(const std::shared_ptr<Data<T>>& d, std::function<void()> run,
                      const std::vector<float>& expected) {
  return {{{"tinct", std::move(run), 0}},
          [d] { d->large_out.poison(); },
          [d, expected] { return largest_error(d->large_out.host(), expected); }};
}

template <class T>
void run_max_pool(GpuBench& bench, const PoolShape& s) {
  const double large = static_cast<double>(s.x.size()), small = static_cast<double>(s.y().size());
  const double which = small / sizeof(T);  // a byte each
  bench.run(memory_case<T>("max_pool/forward", s.x, large + small + which), [&] {
    const auto d = std::make_shared<Data<T>>(s.x, s.y());
    d->which = device::Array<std::uint8_t>(s.y().size());
    std::vector<float> expected(s.y().size());
    ref::max_pool(s, d->large.host().data(), expected.data(), nullptr);
    return forward_work(
        d, [d, s] { gpu::max_pool(s, d->large.data(), d->small_out.data(), d->which.data()); },
        expected);
  });
  bench.run(memory_case<T>("max_pool/backward", s.x, large + small + which), [&] {
    const auto d = std::make_shared<Data<T>>(s.x, s.y());
    std::vector<float> y(s.y().size()), expected(s.x.size());
    std::vector<std::uint8_t> which_max(y.size());
    ref::max_pool(s, d->large.host().data(), y.data(), which_max.data());
    ref::max_pool_backward(s, which_max.data(), d->small.host().data(), expected.data());
    d->which = device::Array<std::uint8_t>(which_max.data(), which_max.size());
    return backward_work(
        d,
        [d, s] {
          gpu::max_pool_backward(s, d->which.data(), d->small.data(), d->large_out.data());
        },
        expected);
  });
}

template <class T>
void run_average_pool(GpuBench& bench, const PoolShape& s) {
  const double numbers = static_cast<double>(s.x.size() + s.y().size());
  bench.run(memory_case<T>("average_pool/forward", s.x, numbers), [&] {
    const auto d = std::make_shared<Data<T>>(s.x, s.y());
    std::vector<float> expected(s.y().size());
    ref::average_pool(s, true, d->large.host().data(), expected.data());
    return forward_work(
        d, [d, s] { gpu::average_pool(s, true, d->large.data(), d->small_out.data()); }, expected);
  });
  bench.run(memory_case<T>("average_pool/backward", s.x, numbers), [&] {
    const auto d = std::make_shared<Data<T>>(s.x, s.y());
    std::vector<float> expected(s.x.size());
    ref::average_pool_backward(s, true, d->small.host().data(), expected.data());
    return backward_work(
        d, [d, s] { gpu::average_pool_backward(s, true, d->small.data(), d->large_out.data()); },
        expected);
  });
}

template <class T>
void run_global_average_pool(GpuBench& bench, const Shape& s) {
  const Shape y{s.n, 1, 1, s.c};
  const double numbers = static_cast<double>(s.size() + y.size());
  bench.run(memory_case<T>("global_average_pool/forward", s, numbers), [&] {
    const auto d = std::make_shared<Data<T>>(s, y);
    std::vector<float> expected(y.size());
    ref::global_average_pool(s, d->large.host().data(), expected.data());
    return forward_work(
        d, [d, s] { gpu::global_average_pool(s, d->large.data(), d->small_out.data()); }, expected);
  });
  bench.run(memory_case<T>("global_average_pool/backward", s, numbers), [&] {
    const auto d = std::make_shared<Data<T>>(s, y);
    std::vector<float> expected(s.size());
    ref::global_average_pool_backward(s, d->small.host().data(), expected.data());
    return backward_work(
        d, [d, s] { gpu::global_average_pool_backward(s, d->small.data(), d->large_out.data()); },
        expected);
  });
}

template <class T>
void run_type(GpuBench& bench) {
  const Shape s = activations(bench);
  run_max_pool<T>(bench, {s, {}});
  run_average_pool<T>(bench, {s, {}});
  run_global_average_pool<T>(bench, s);
}

}  // namespace

void run_pooling(GpuBench& bench) {
  run_type<float>(bench);
  run_type<bf16>(bench);
}

}  // namespace tinct::bench
