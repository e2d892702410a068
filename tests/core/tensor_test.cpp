// Tensors and the allocator behind them.
#include "core/tensor.h"

#include <catch2/catch.hpp>
#include <cstdint>

#include "core/autograd.h"
#include "core/error.h"
#include "core/simt/device.h"
#include "tests/check.h"

using namespace tinct;

TEST_CASE("a tensor knows its shape, type and numbers") {
  const Tensor t = Tensor::from({1, 2, 1, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(t.shape() == Shape{1, 2, 1, 3});
  CHECK(t.bytes() == 24);
  CHECK(t.f32()[5] == 6);
  CHECK(to_string(t.shape()) == "(1,2,1,3)");
  CHECK_THROWS_AS(t.u8(), std::invalid_argument);
  CHECK_THROWS_AS(Tensor::from({1, 1, 1, 2}, {1}), std::invalid_argument);
  CHECK_THROWS_AS(Tensor().f32(), std::invalid_argument);
}

TEST_CASE("copies share numbers, clones do not") {
  Tensor a = Tensor::full({1, 1, 1, 4}, 2);
  CHECK(a.unique());
  const Tensor b = a;
  CHECK_FALSE(a.unique());
  const Tensor c = a.clone();
  a.fill(5);
  CHECK(b.f32()[0] == 5);
  CHECK(c.f32()[0] == 2);
  CHECK(a.reshaped({2, 2, 1, 1}).shape() == Shape{2, 2, 1, 1});
  CHECK_THROWS_AS(a.reshaped({1, 1, 1, 5}), std::invalid_argument);
}

TEST_CASE("an unreasonable size is OutOfMemory, not a crash") {
  CHECK_THROWS_AS(Tensor({SIZE_MAX / 2, 3, 1, 1}), OutOfMemory);
  CHECK_THROWS_AS(Tensor({1u << 20, 1u << 20, 1u << 10, 1}), OutOfMemory);
}

TEST_CASE("freed blocks are reused, counted, and can be given back") {
  release_cached_memory();
  const std::size_t before = memory_use().in_use;
  const float* address = nullptr;
  {
    Tensor t({1, 1, 1, 1000000});
    address = t.f32();
    CHECK(reinterpret_cast<std::uintptr_t>(address) % 64 == 0);
    CHECK(memory_use().in_use >= before + 4000000);
  }
  CHECK(memory_use().in_use == before);
  CHECK(memory_use().cached >= 4000000);
  Tensor again({1, 1, 1000, 1000});
  CHECK(again.f32() == address);
  again = {};
  release_cached_memory();
  CHECK(memory_use().cached == 0);
}

TEST_CASE("size classes waste at most a quarter") {
  for (const std::size_t bytes : {1000u, 4097u, 100000u, 5000000u, 33554433u}) {
    const std::size_t before = memory_use().in_use;
    const auto block = allocate(bytes);
    const std::size_t taken = memory_use().in_use - before;
    CHECK(taken >= bytes);
    CHECK(taken <= bytes + bytes / 4 + (bytes > (1u << 20) ? (2u << 20) : 0));
  }
}

TEST_CASE("tensors on the device", "[tensor][device]") {
  if (!test::has_device()) return;
  const Tensor host = Tensor::from({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor there = host.to(Device::gpu);
  CHECK(there.device() == Device::gpu);
  CHECK(there.to(Device::gpu).f32() == there.f32());
  const Tensor copy = there.clone();
  CHECK(copy.f32() != there.f32());
  CHECK(test::difference(copy.to(Device::cpu), host, 0, 0).empty());
  const Tensor sevens = Tensor::full({1, 1, 1, 9}, 7, Device::gpu);
  CHECK(test::difference(sevens.to(Device::cpu), Tensor::full({1, 1, 1, 9}, 7), 0, 0).empty());
  CHECK(Tensor({0, 1, 1, 1}, Device::gpu).defined());

  const std::size_t before = device::memory_use().in_use;
  {
    const Tensor large({1, 1, 1, 100000}, Device::gpu);
    CHECK(device::memory_use().in_use >= before + 400000);
  }
  CHECK(device::memory_use().in_use == before);
  CHECK(device::memory_use().peak >= before + 400000);

  CHECK(common_device("add", {&there, nullptr, &copy}) == Device::gpu);
  CHECK_THROWS_WITH(common_device("add", {&there, &host}),
                    "add: (1,1,2,3) is on the gpu, (1,1,2,3) on the cpu");
}

TEST_CASE("gradients add up on the device", "[autograd][device]") {
  if (!test::has_device()) return;
  const Value x(Tensor::from({1, 1, 1, 3}, {1, 2, 3}, Device::gpu), true);
  x.add_grad(Tensor::from({1, 1, 1, 3}, {1, 2, 3}, Device::gpu));
  x.add_grad(Tensor::from({1, 1, 1, 3}, {10, 20, 30}, Device::gpu));
  CHECK(x.grad().device() == Device::gpu);
  const Tensor sum = Tensor::from({1, 1, 1, 3}, {11, 22, 33});
  CHECK(test::difference(x.grad().to(Device::cpu), sum, 0, 0).empty());
  CHECK_THROWS_AS(x.add_grad(Tensor({1, 1, 1, 3})), std::invalid_argument);
}

TEST_CASE("devices by name", "[device]") {
  CHECK(find_device("cpu") == Device::cpu);
  CHECK_THROWS_AS(find_device("tpu"), std::invalid_argument);
  const bool simulated = device::backend() == device::Backend::simulator;
  if (simulated) CHECK(find_device("sim") == Device::gpu);
  if (!simulated) CHECK_THROWS_AS(find_device("sim"), DeviceError);
  if (device::backend() != device::Backend::cuda) CHECK_THROWS_AS(find_device("gpu"), DeviceError);
}
