// Every planted fault is found, under every order, at its line; and what the launch itself refuses.
#include "tests/simt/faults.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "core/simt/device.h"
#include "tests/simt/every_order.h"
#include "tests/simt/kernels.h"

namespace tinct {
namespace {

class Buffers {
 public:
  Buffers() : host_(256, 1.0f), x_(host_.data(), 256), y_(256), fresh_(256), words_(16) {
    device::set_zero(words_.data(), 16 * sizeof(unsigned));
  }
  gpu::FaultBuffers get() {
    return {x_.data(), y_.data(), fresh_.data(), host_.data(), words_.data()};
  }

 private:
  std::vector<float> host_;
  device::Array<float> x_, y_, fresh_;
  device::Array<unsigned> words_;
};

#if defined(TINCT_SIMT_CHECKED)

// "tests/simt/faults.cu:41", the line that ends in "// fault: NAME".
std::string expected_place(const std::string& name) {
  std::ifstream file(TINCT_SOURCE_DIR "/tests/simt/faults.cu");
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::string mark = "// fault: " + name;
    if (line.size() > mark.size() && line.substr(line.size() - mark.size()) == mark) {
      return "tests/simt/faults.cu:" + std::to_string(number);
    }
  }
  return "nowhere";
}

TEST_CASE("every planted fault is reported at its line", "[simt]") {
  for (const gpu::PlantedFault& planted : gpu::planted_faults()) {
    test::in_every_order([&] {
      Buffers buffers;
      simt::Session session;
      session.set_step_limit(100000);
      planted.run(buffers.get());
      const simt::Report report = session.report();
      std::string found;
      bool hit = false;
      for (const simt::Finding& f : report.findings) {
        found += to_string(f) + "\n";
        // The later of two accesses that race, or of two that differ, depends on the order.
        hit = hit || (f.fault == planted.fault &&
                      (f.where == expected_place(planted.name) ||
                       f.text.find(expected_place(planted.name)) != std::string::npos));
      }
      INFO(planted.name << " at " << expected_place(planted.name) << "; found:\n" << found);
      CHECK(hit);
    });
  }
}

TEST_CASE("without a session a faulty launch throws, naming the line", "[simt]") {
  Buffers buffers;
  for (const gpu::PlantedFault& planted : gpu::planted_faults()) {
    if (planted.name != std::string("read_past_the_end")) continue;
    CHECK_THROWS_WITH(
        planted.run(buffers.get()),
        Catch::Contains(expected_place(planted.name)) &&
            Catch::Contains("reads 4 bytes, 0 past the end of an allocation of 1024"));
  }
}

TEST_CASE("memory that has been released is out of bounds", "[simt]") {
  float* y = nullptr;
  {
    device::Array<float> gone(1);
    y = gone.data();
  }
  simt::Session session;
  gpu::last_to_come(y);
  CHECK(session.report().has(simt::Fault::out_of_bounds));
}

TEST_CASE("right kernels leave no finding", "[simt]") {
  test::in_every_order([] {
    const std::vector<float> x(2048, 1.0f);
    const device::Array<float> on_device(x.data(), x.size());
    device::Array<float> y(2048);
    simt::Session session;
    gpu::tree_sum(2, on_device.data(), y.data());
    gpu::shuffle_sum(2, on_device.data(), y.data());
    gpu::transpose(32, 64, on_device.data(), y.data(), true);
    gpu::double_by_async(2048, on_device.data(), y.data());
    const simt::Report report = session.report();
    for (const simt::Finding& f : report.findings) UNSCOPED_INFO(to_string(f));
    CHECK(report.findings.empty());
    CHECK(report.launches == 4);
  });
}

#else

TEST_CASE("what stops a block is found without hooks too", "[simt]") {
  for (const gpu::PlantedFault& planted : gpu::planted_faults()) {
    if (!planted.structural) continue;
    Buffers buffers;
    INFO(planted.name);
    CHECK_THROWS_AS(planted.run(buffers.get()), simt::KernelFault);
  }
  // The worker goes on after a block that was given up.
  const std::vector<float> x(256, 1.0f);
  const device::Array<float> on_device(x.data(), x.size());
  device::Array<float> sum(1);
  gpu::tree_sum(1, on_device.data(), sum.data());
  float host = 0;
  sum.to_host(&host);
  CHECK(host == 256);
}

#endif

TEST_CASE("a result that depends on the order of threads shows it", "[simt]") {
  std::vector<float> results;
  test::in_every_order([&] {
    device::Array<float> y(1);
#if defined(TINCT_SIMT_CHECKED)
    simt::Session session;
#endif
    gpu::last_to_come(y.data());
    float last = -1;
    y.to_host(&last);
    results.push_back(last);
#if defined(TINCT_SIMT_CHECKED)
    CHECK(session.report().has(simt::Fault::race));
#endif
  });
  CHECK(results[0] == 31);
  CHECK(results[1] == 0);
}

TEST_CASE("a launch that CUDA would refuse is refused", "[simt]") {
  device::Array<float> y(1);
  CHECK_THROWS_AS(gpu::tree_sum(0, y.data(), y.data()), std::invalid_argument);
}

TEST_CASE("copies must stay within an allocation", "[simt]") {
  device::Array<float> y(4);
  std::vector<float> host(8);
  CHECK_THROWS_AS(device::copy_to_device(y.data(), host.data(), 17), std::invalid_argument);
  CHECK_THROWS_AS(device::copy_to_host(host.data(), y.data() + 4, 1), std::invalid_argument);
  CHECK_THROWS_AS(device::copy_to_host(host.data(), host.data(), 4), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
