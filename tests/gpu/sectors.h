// What a kernel's requests cost, for the tests that hold it to the ideal.
#pragma once

#include <catch2/catch.hpp>

#if defined(TINCT_SIMT_CHECKED)
#include "core/simt/simulator.h"
#endif

namespace tinct::test {

/// Runs f and, in the checked build, checks that its kernels touch at most `most` times the sectors
/// of device memory and the waves of shared memory that their bytes would fill.
template <class F>
void check_sectors(F&& f, double most = 1.25) {
#if defined(TINCT_SIMT_CHECKED)
  simt::Session session;
  f();
  const simt::Report report = session.report();
  for (const simt::Finding& finding : report.findings) UNSCOPED_INFO(to_string(finding));
  CHECK(report.findings.empty());
  CHECK(report.launches > 0);
  for (const simt::Access access : {simt::Access::read, simt::Access::write}) {
    const simt::LineCount global = report.total(simt::Space::global, access);
    const simt::LineCount shared = report.total(simt::Space::shared, access);
    INFO((access == simt::Access::read ? "reads: " : "writes: ")
         << global.sectors << " sectors of " << global.ideal_sectors << ", " << shared.waves
         << " waves of " << shared.ideal_waves);
    CHECK(static_cast<double>(global.sectors) <= most * static_cast<double>(global.ideal_sectors));
    CHECK(static_cast<double>(shared.waves) <= most * static_cast<double>(shared.ideal_waves));
  }
#else
  f();
  static_cast<void>(most);
#endif
}

}  // namespace tinct::test
