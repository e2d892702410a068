// The main function of every test program. One built for cards stops where there is none, with one
// line: hundreds of failed tests would say less.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>

#include "core/error.h"
#include "core/simt/device.h"

namespace {

constexpr int kNoDevice = 8;  // tinct's exit code for it

bool lists_only(const Catch::ConfigData& config) {
  return config.showHelp || config.listTests || config.listTags || config.listTestNamesOnly ||
         config.listReporters || config.libIdentify;
}

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
  using namespace tinct;
  if (device::backend() == device::Backend::cuda && !lists_only(session.configData())) {
    try {
      device::check_usable();
    } catch (const DeviceError& e) {
      std::cerr << "no GPU: " << e.what() << '\n';
      return kNoDevice;
    }
  }
  return session.run();
}
