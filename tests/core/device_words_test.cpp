// What is said of devices that cannot do what is asked.
#include "core/device_words.h"

#include <catch2/catch.hpp>

#include "core/error.h"
#include "core/simt/device.h"
#include "core/tensor.h"

namespace tinct {
namespace {

TEST_CASE("no room is said with what was asked, is free, is held and was given back") {
  device::Room room{std::size_t{3} << 20, std::size_t{1} << 30, {std::size_t{900} << 20, 0, 0}, 0};
  CHECK(device::no_room(std::size_t{64} << 20, room) ==
        "no room for 64.0 MiB on the GPU: 3.0 MiB of 1.0 GiB are free, this program holds "
        "900.0 MiB");
  room.given_back = std::size_t{5} << 20;
  CHECK_THAT(device::no_room(1, room),
             Catch::EndsWith("(and gave back the 5.0 MiB that it kept for reuse)"));
}

TEST_CASE("which cards compiled code runs on") {
  const std::string shipped = "80-real,86-real,89-real,90";
  for (const int card : {80, 86, 87, 89, 90, 100, 120}) CHECK(device::runs_on(shipped, card));
  for (const int card : {50, 70, 75}) CHECK_FALSE(device::runs_on(shipped, card));
  CHECK_FALSE(device::runs_on("80-real", 90));     // machine code stays within its major version
  CHECK_FALSE(device::runs_on("86-real", 80));     // and is for no older one
  CHECK(device::runs_on("80-virtual", 120));       // PTX is for every newer card
  CHECK(device::runs_on("75-real,90a-real", 90));  // what ends in a
  CHECK_FALSE(device::runs_on("90a", 100));        // is for that card alone
  CHECK_FALSE(device::runs_on("", 80));
  CHECK(device::wrong_card("NVIDIA T4", 75, shipped) ==
        "NVIDIA T4 is sm_75, and this tinct was compiled for 80-real,86-real,89-real,90: build it "
        "with -DTINCT_CUDA_ARCHITECTURES=75");
}

TEST_CASE("a device that is full says so, with the tensor's shape, and takes what is smaller") {
  if (device::backend() != device::Backend::simulator) return;
  const std::size_t plenty = device::info().total_bytes;
  device::set_memory(device::memory_use().in_use + (1 << 20));
  CHECK_THROWS_WITH(Tensor({2, 512, 512, 1}, Device::gpu),
                    Catch::Contains("no room for 2.0 MiB on the GPU") &&
                        Catch::Contains("for a tensor of shape (2,512,512,1)"));
  CHECK_NOTHROW(Tensor({1, 256, 512, 1}, Device::gpu));
  device::set_memory(plenty);
}

}  // namespace
}  // namespace tinct
