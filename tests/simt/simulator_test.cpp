// The simulator computes what a card would: blocks, barriers, collectives, tensor cores, copies.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "core/simt/bf16.h"
#include "core/simt/device.h"
#include "tests/simt/every_order.h"
#include "tests/simt/kernels.h"

namespace tinct {
namespace {

using test::in_every_order;

std::vector<float> random_numbers(std::size_t count) {
  const Random random(7, Purpose::test);
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = random.uniform(i) - 0.5f;
  return x;
}

template <class T>
std::vector<T> to_host(const device::Array<T>& array) {
  std::vector<T> host(array.size());
  array.to_host(host.data());
  return host;
}

TEST_CASE("sums over a block, by shared memory and by shuffles", "[simt]") {
  const std::vector<float> x = random_numbers(5 * 256);
  const device::Array<float> on_device(x.data(), x.size());
  in_every_order([&] {
    device::Array<float> tree(5), shuffled(5);
    gpu::tree_sum(5, on_device.data(), tree.data());
    gpu::shuffle_sum(5, on_device.data(), shuffled.data());
    const std::vector<float> a = to_host(tree), b = to_host(shuffled);
    for (std::size_t block = 0; block < 5; ++block) {
      double sum = 0;
      for (std::size_t i = 0; i < 256; ++i) sum += x[256 * block + i];
      CHECK(std::abs(a[block] - sum) <= 1e-5);
      CHECK(std::abs(b[block] - sum) <= 1e-5);
    }
  });
}

TEST_CASE("a transpose through shared memory", "[simt]") {
  const unsigned m = 64, n = 96;
  const std::vector<float> x = random_numbers(m * n);
  const device::Array<float> on_device(x.data(), x.size());
  in_every_order([&] {
    for (const bool padded : {false, true}) {
      device::Array<float> y(m * n);
      gpu::transpose(m, n, on_device.data(), y.data(), padded);
      const std::vector<float> host = to_host(y);
      std::size_t wrong = 0;
      for (unsigned i = 0; i < m; ++i) {
        for (unsigned j = 0; j < n; ++j) wrong += host[j * m + i] != x[i * n + j];
      }
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("what 32 lanes do together", "[simt]") {
  in_every_order([] {
    device::Array<unsigned> out(16 * 32);
    gpu::warp_words(out.data());
    const std::vector<unsigned> words = to_host(out);
    unsigned every_third = 0;
    for (unsigned lane = 0; lane < 32; lane += 3) every_third |= 1u << lane;
    for (unsigned lane = 0; lane < 32; ++lane) {
      const auto word = [&](unsigned i) { return words[32 * i + lane]; };
      CHECK(word(0) == 25);
      CHECK(word(1) == lane / 8 * 8 + 3);
      CHECK(word(2) == (lane < 2 ? lane : lane - 2));
      CHECK(word(3) == (lane % 16 < 14 ? lane + 2 : lane));
      CHECK(word(4) == (lane ^ 7u));
      CHECK(word(5) == every_third);
      CHECK(word(6) == 1);
      CHECK(word(7) == 0);
      CHECK(word(8) == 0xFu << lane / 4 * 4);
      CHECK(word(9) == 496);
      CHECK(static_cast<int>(word(10)) == -26);
      CHECK(word(11) == 31);
      CHECK(word(12) == 0xFFFF);
      CHECK(word(13) == 0);
      CHECK(word(14) == (lane ^ 1u));
      CHECK(word(15) == (lane < 8 ? 8u : 24u));
    }
  });
}

TEST_CASE("a tile product on the tensor cores' model", "[simt]") {
  std::vector<std::uint16_t> a(256), b(128);
  const std::vector<float> numbers = random_numbers(384);
  for (std::size_t i = 0; i < 256; ++i) a[i] = to_bf16(numbers[i]).bits;
  for (std::size_t i = 0; i < 128; ++i) b[i] = to_bf16(numbers[256 + i]).bits;
  const device::Array<std::uint16_t> device_a(a.data(), 256), device_b(b.data(), 128);
  in_every_order([&] {
    device::Array<float> d(128);
    gpu::tile_product(device_a.data(), device_b.data(), d.data());
    const std::vector<float> host = to_host(d);
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t j = 0; j < 8; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < 16; ++k) {
          sum += static_cast<double>(to_float(bf16{a[16 * i + k]})) * to_float(bf16{b[8 * k + j]});
        }
        CHECK(std::abs(host[8 * i + j] - sum) <= 1e-6);
      }
    }
  });
}

TEST_CASE("a product of tf32 on the tensor cores' model rounds to 11 bits", "[simt]") {
  std::vector<float> numbers = random_numbers(192);
  numbers[0] = 1 + 0x1p-11f;   // a tie, away from zero
  numbers[1] = -1 - 0x1p-12f;  // nearer to -1
  const auto rounded = [](float v) {
    int exponent = 0;
    const double fraction = std::frexp(static_cast<double>(v), &exponent);
    return std::ldexp(std::round(std::ldexp(fraction, 11)), exponent - 11);
  };
  CHECK(rounded(numbers[0]) == 1 + 0x1p-10);
  CHECK(rounded(numbers[1]) == -1);
  const device::Array<float> a(numbers.data(), 128), b(numbers.data() + 128, 64);
  in_every_order([&] {
    device::Array<float> d(128);
    gpu::tf32_product(a.data(), b.data(), d.data());
    const std::vector<float> host = to_host(d);
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t j = 0; j < 8; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < 8; ++k) {
          sum += rounded(numbers[8 * i + k]) * rounded(numbers[128 + 8 * k + j]);
        }
        CHECK(std::abs(host[8 * i + j] - sum) <= 1e-6);
      }
    }
  });
}

TEST_CASE("asynchronous copies arrive when waited for", "[simt]") {
  const std::vector<float> x = random_numbers(2048);
  const device::Array<float> on_device(x.data(), x.size());
  in_every_order([&] {
    device::Array<float> y(2048);
    gpu::double_by_async(2048, on_device.data(), y.data());
    const std::vector<float> host = to_host(y);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 2048; ++i) wrong += host[i] != 2 * x[i];
    CHECK(wrong == 0);
  });
}

TEST_CASE("atomics in shared and in device memory", "[simt]") {
  std::vector<unsigned> x(10000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<unsigned>(i * i % 16);
  const device::Array<unsigned> on_device(x.data(), x.size());
  in_every_order([&] {
    device::Array<unsigned> counts(16);
    device::Array<float> total(1);
    device::set_zero(counts.data(), 16 * sizeof(unsigned));
    device::set_zero(total.data(), sizeof(float));
    gpu::histogram(x.size(), on_device.data(), counts.data(), total.data());
    const std::vector<unsigned> host = to_host(counts);
    // Squares modulo 16 are 0, 1, 4 or 9; each comes up equally often.
    for (unsigned i = 0; i < 16; ++i) {
      CHECK(host[i] == (i == 0 || i == 1 || i == 4 || i == 9 ? 2500u : 0u));
    }
    CHECK(to_host(total)[0] == 2500 * (0 + 1 + 4 + 9));
  });
}

}  // namespace
}  // namespace tinct
