// What kernels ask of global memory, held against the ideal.
#pragma once

#include <catch2/catch.hpp>

#include "core/simt/device.h"

#if defined(TINCT_SIMT_CHECKED)
#include "core/simt/simulator.h"
#endif

namespace tinct::test {

/// In the checked build: what f launches is without a finding, and its global loads and stores
/// touch at most `most` times the sectors that their bytes fill. Elsewhere it only runs f.
template <class F>
void check_traffic(F&& f, double most = 1.25) {
#if defined(TINCT_SIMT_CHECKED)
  simt::Session session;
  f();
  const simt::Report report = session.report();
  for (const simt::Finding& finding : report.findings) UNSCOPED_INFO(to_string(finding));
  CHECK(report.findings.empty());
  for (const simt::Access access : {simt::Access::read, simt::Access::write}) {
    const simt::LineCount count = report.total(simt::Space::global, access);
    for (const simt::LineCount& line : report.lines) {
      if (line.space != simt::Space::global || line.sectors <= line.ideal_sectors) continue;
      UNSCOPED_INFO(line.where << ": " << line.sectors << " of " << line.ideal_sectors);
    }
    CHECK(static_cast<double>(count.sectors) <= most * static_cast<double>(count.ideal_sectors));
  }
#else
  (void)most;
  f();
#endif
}

}  // namespace tinct::test
