// The counts of a checked launch, exactly.
#include "tests/simt/access.h"

#include <catch2/catch.hpp>
#include <vector>

#include "core/simt/device.h"
#include "core/simt/simulator.h"
#include "tests/simt/every_order.h"
#include "tests/simt/kernels.h"

#if defined(TINCT_SIMT_CHECKED)

namespace tinct {
namespace {

using simt::Access;
using simt::LineCount;
using simt::Report;
using simt::Space;

class Numbers {
 public:
  explicit Numbers(std::size_t count) : x_(std::vector<float>(count, 1.0f).data(), count) {}
  const float* data() const { return x_.data(); }

 private:
  device::Array<float> x_;
};

template <class F>
Report report_of(F&& f) {
  simt::Session session;
  f();
  Report report = session.report();
  for (const simt::Finding& finding : report.findings) UNSCOPED_INFO(to_string(finding));
  CHECK(report.findings.empty());
  return report;
}

TEST_CASE("sectors of strided loads", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const std::vector<std::pair<unsigned, unsigned>> expected = {{0, 1},  {1, 4},  {2, 8},
                                                               {4, 16}, {8, 32}, {32, 32}};
  for (const auto& [stride, sectors] : expected) {
    const unsigned s = stride;
    const Report report = report_of([&] { gpu::global_stride(s, x.data(), y.data()); });
    const LineCount loads = report.total(Space::global, Access::read);
    INFO("stride " << s);
    CHECK(loads.requests == 1);
    CHECK(loads.lanes == 32);
    CHECK(loads.bytes == 128);
    CHECK(loads.sectors == sectors);
    CHECK(loads.ideal_sectors == (s == 0 ? 1u : 4u));
    const LineCount stores = report.total(Space::global, Access::write);
    CHECK(stores.requests == 1);
    CHECK(stores.sectors == 4);
    CHECK(stores.ideal_sectors == 4);
  }
}

TEST_CASE("what is known of a launch", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const Report report = report_of([&] {
    gpu::global_stride(2, x.data(), y.data());
    gpu::global_stride(4, x.data(), y.data());
    gpu::shared_stride(2, x.data(), y.data());
  });
  REQUIRE(report.kernels.size() == 2);
  const simt::LaunchCount& strided = report.kernels[0];
  CHECK(strided.kernel.find("::global_stride_kernel(") != std::string::npos);
  CHECK(strided.where.rfind("tests/simt/access.cu:", 0) == 0);
  CHECK(strided.launches == 2);
  CHECK(strided.grid == std::array<unsigned, 3>{1, 1, 1});
  CHECK(strided.block == std::array<unsigned, 3>{32, 1, 1});
  CHECK(strided.requests == 4);
  CHECK(strided.sectors == 8 + 16 + 2 * 4);
  CHECK(strided.block_sectors == strided.sectors);
  CHECK(strided.waves == 0);
  CHECK(report.kernels[1].kernel.find("::shared_stride_kernel(") != std::string::npos);
  // 32 stores of a row each; lanes 2 apart meet two to a bank.
  CHECK(report.kernels[1].waves == 32 + 2);
}

TEST_CASE("what a block reads again counts once for the second cache", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const Report report = report_of([&] { gpu::ragged_loop(x.data(), y.data()); });
  REQUIRE(report.kernels.size() == 1);
  // Lane i reads x[0] to x[i - 1]: 31 requests of one sector, in four different ones. And the
  // store.
  CHECK(report.kernels[0].sectors == 31 + 4);
  CHECK(report.kernels[0].block_sectors == 4 + 4);
}

TEST_CASE("a vector load is one request; a misaligned row takes one more sector", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(128);
  const Report vectors = report_of([&] { gpu::global_vectors(x.data(), y.data()); });
  for (const Access access : {Access::read, Access::write}) {
    const LineCount count = vectors.total(Space::global, access);
    CHECK(count.requests == 1);
    CHECK(count.bytes == 512);
    CHECK(count.sectors == 16);
    CHECK(count.ideal_sectors == 16);
  }
  const Report shifted = report_of([&] { gpu::global_stride(1, x.data() + 1, y.data()); });
  CHECK(shifted.total(Space::global, Access::read).sectors == 5);
}

TEST_CASE("waves of strided loads from shared memory", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const std::vector<std::pair<unsigned, unsigned>> expected = {{0, 1}, {1, 1},   {2, 2}, {3, 1},
                                                               {8, 8}, {16, 16}, {31, 1}};
  for (const auto& [stride, waves] : expected) {
    const unsigned s = stride;
    const Report report = report_of([&] { gpu::shared_stride(s, x.data(), y.data()); });
    const LineCount loads = report.total(Space::shared, Access::read);
    INFO("stride " << s);
    CHECK(loads.requests == 1);
    CHECK(loads.waves == waves);
    CHECK(loads.ideal_waves == 1);
    const LineCount stores = report.total(Space::shared, Access::write);
    CHECK(stores.requests == 32);
    CHECK(stores.waves == 32);
  }
}

TEST_CASE("wide loads from shared memory go in halves and quarters", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const auto waves = [&](unsigned apart) {
    return report_of([&] { gpu::shared_vectors(apart, x.data(), y.data()); })
        .total(Space::shared, Access::read);
  };
  const LineCount side_by_side = waves(4), far = waves(16);
  CHECK(side_by_side.requests == 2);
  CHECK(side_by_side.ideal_waves == 2 + 4);
  CHECK(side_by_side.waves == 2 + 4);
  // Eight lanes 64 bytes apart: two share each bank, four times.
  CHECK(far.waves == 2 + 4 * 4);
}

TEST_CASE("the padded tile has no bank conflicts, the unpadded one 32-way ones", "[simt]") {
  const Numbers x(64 * 32);
  device::Array<float> y(64 * 32);
  for (const bool padded : {false, true}) {
    const Report report = report_of([&] { gpu::transpose(32, 64, x.data(), y.data(), padded); });
    const LineCount stores = report.total(Space::shared, Access::write);
    const LineCount loads = report.total(Space::shared, Access::read);
    CHECK(stores.requests == 64);
    CHECK(stores.waves == 64);
    CHECK(loads.requests == 64);
    CHECK(loads.waves == (padded ? 64u : 64u * 32u));
    CHECK(loads.ideal_waves == 64);
    for (const Access access : {Access::read, Access::write}) {
      CHECK(report.total(Space::global, access).sectors == 256);
      CHECK(report.total(Space::global, access).ideal_sectors == 256);
    }
    CHECK(report.barriers == 2);
  }
}

TEST_CASE("atomics of a warp that collide", "[simt]") {
  for (const unsigned different : {1u, 4u, 32u}) {
    device::Array<unsigned> words(32);
    device::set_zero(words.data(), 32 * sizeof(unsigned));
    const Report report = report_of([&] { gpu::atomics(different, words.data()); });
    for (const Space space : {Space::global, Space::shared}) {
      const LineCount count = report.total(space, Access::atomic);
      CHECK(count.requests == 1);
      CHECK(count.lanes == 32);
      CHECK(count.collisions == 32 - different);
    }
    CHECK(report.total(Space::global, Access::atomic).sectors == (different == 32 ? 4u : 1u));
  }
}

TEST_CASE("lanes that loop unequally share the rounds they have in common", "[simt]") {
  const Numbers x(32);
  device::Array<float> y(32);
  test::in_every_order([&] {
    const Report report = report_of([&] { gpu::ragged_loop(x.data(), y.data()); });
    const LineCount loads = report.total(Space::global, Access::read);
    CHECK(loads.requests == 31);
    CHECK(loads.lanes == 496);
    CHECK(loads.sectors == 31);
  });
}

TEST_CASE("a tile product is one tensor-core operation; ldmatrix has no conflicts here", "[simt]") {
  const std::vector<std::uint16_t> ones(256, 0x3F80);
  const device::Array<std::uint16_t> a(ones.data(), 256), b(ones.data(), 128);
  device::Array<float> d(128);
  const Report report = report_of([&] { gpu::tile_product(a.data(), b.data(), d.data()); });
  CHECK(report.tensor_ops == 1);
  const LineCount loads = report.total(Space::shared, Access::read);
  CHECK(loads.requests == 2);
  CHECK(loads.lanes == 48);
  CHECK(loads.waves == 6);
  CHECK(loads.ideal_waves == 6);
}

TEST_CASE("counts name the source line", "[simt]") {
  const Numbers x(1024);
  device::Array<float> y(32);
  const Report report = report_of([&] { gpu::global_stride(1, x.data(), y.data()); });
  REQUIRE(report.lines.size() == 2);
  for (const LineCount& line : report.lines) CHECK(line.where == "tests/simt/access.cu:10");
}

}  // namespace
}  // namespace tinct

#endif
