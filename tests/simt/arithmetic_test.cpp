// The floating-point operations of a checked launch, exactly.
#include "tests/simt/arithmetic.h"

#include <catch2/catch.hpp>
#include <vector>

#include "core/simt/device.h"
#include "core/simt/simulator.h"

#if defined(TINCT_SIMT_CHECKED)

namespace tinct {
namespace {

using simt::FlopCount;
using simt::Report;

template <class T>
device::Array<T> filled(std::size_t count, T value) {
  return {std::vector<T>(count, value).data(), count};
}

template <class F>
Report report_of(F&& f) {
  simt::Session session;
  session.count_flops();
  f();
  Report report = session.report();
  CHECK(report.findings.empty());
#if defined(__x86_64__)
  REQUIRE(report.flops_counted);
#endif
  return report;
}

// Elsewhere nothing is counted, and a report says so.
bool skipped(const Report& report) {
  if (!report.flops_counted) WARN("FLOPs are counted on x86-64 only: not tested");
  return !report.flops_counted;
}

#define CHECK_FLOPS(report, expected)                 \
  do {                                                \
    const Report counted = (report);                  \
    if (skipped(counted)) break;                      \
    CHECK(counted.total_flops().flops == (expected)); \
  } while (false)

TEST_CASE("a multiply-add is two operations, on its line", "[simt]") {
  const auto x = filled(100, 1.0f);
  auto y = filled(100, 2.0f);
  const Report report = report_of([&] { gpu::saxpy(100, 3, x.data(), y.data()); });
  if (skipped(report)) return;
  REQUIRE(report.flops.size() == 1);
  CHECK(report.flops[0].where == "tests/simt/arithmetic.cu:11");
  CHECK(report.flops[0].flops == 200);  // of 128 threads 100 have an element
  CHECK(report.flops[0].special == 0);
}

TEST_CASE("rounds of a loop are counted", "[simt]") {
  const auto x = filled(32, 1.0f);
  auto y = filled(32, 0.0f);
  for (const unsigned rounds : {0u, 1u, 7u}) {
    CHECK_FLOPS(report_of([&] { gpu::powers(rounds, x.data(), y.data()); }), 32 * 2 * rounds);
  }
  const Report report = report_of([&] { gpu::powers(5, x.data(), y.data()); });
  if (skipped(report)) return;
  REQUIRE(report.flops.size() == 2);
  CHECK(report.flops[0].where == "tests/simt/arithmetic.cu:17");
  CHECK(report.flops[0].flops == 32 * 5);
  CHECK(report.flops[1].where == "tests/simt/arithmetic.cu:18");
  CHECK(report.flops[1].flops == 32 * 5);
}

TEST_CASE("lanes that take no branch do not count", "[simt]") {
  const auto x = filled(32, 2.0f);
  auto y = filled(32, 2.0f);
  for (const unsigned lanes : {0u, 16u, 32u}) {
    CHECK_FLOPS(report_of([&] { gpu::divide_some(lanes, x.data(), y.data()); }), lanes);
  }
}

TEST_CASE("what is no arithmetic of floats does not count", "[simt]") {
  const auto integers = filled(32, 2u);
  auto shifted = filled(32, 0u);
  CHECK_FLOPS(report_of([&] { gpu::shift_integers(integers.data(), shifted.data()); }), 0u);
  const auto x = filled(32, 2.0f);
  auto y = filled(32, 0.0f);
  CHECK_FLOPS(report_of([&] { gpu::clamp(x.data(), y.data()); }), 0u);
  CHECK_FLOPS(report_of([] {}), 0u);
}

TEST_CASE("vectors, double numbers and library functions", "[simt]") {
  const auto x = filled(128, 2.0f);
  auto y = filled(128, 3.0f);
  CHECK_FLOPS(report_of([&] { gpu::multiply_vectors(x.data(), y.data()); }), 128u);
  const auto wide = filled(32, 2.0);
  auto roots = filled(32, 0.0);
  CHECK_FLOPS(report_of([&] { gpu::roots(wide.data(), roots.data()); }), 64u);
  const Report report = report_of([&] { gpu::functions(x.data(), y.data()); });
  if (skipped(report)) return;
  CHECK(report.total_flops().flops == 32 * 3);  // the sum, and two of fma
  CHECK(report.total_flops().special == 32);
}

// g++ branches over the top bit of a 64-bit number, in a block of its own without a hook.
TEST_CASE("code behind a branch of the compiler's own counts", "[simt]") {
  const auto x = filled(32, 2.0f);
  auto y = filled(32, 0.0f);
  CHECK_FLOPS(report_of([&] { gpu::divide_by_count(8, x.data(), y.data()); }), 32u);
}

TEST_CASE("only launches of a session that counts are counted", "[simt]") {
  const auto x = filled(32, 1.0f);
  auto y = filled(32, 0.0f);
  simt::Session session;
  gpu::powers(3, x.data(), y.data());
  CHECK_FALSE(session.report().flops_counted);
  session.count_flops();
  gpu::powers(4, x.data(), y.data());
  const Report first = session.report();
  gpu::powers(4, x.data(), y.data());
  if (skipped(first)) return;
  CHECK(first.total_flops().flops == 32 * 8);
  CHECK(session.report().total_flops().flops == 2 * 32 * 8);
}

}  // namespace
}  // namespace tinct

#endif
