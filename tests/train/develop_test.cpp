// Batches made on the device of 8-bit cuts are those that the host makes.
#include "train/develop.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/check.h"
#include "tests/train/data_check.h"
#include "train/chroma.h"

namespace tinct {
namespace {

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.u8(), b.u8(), a.bytes()) == 0;
}

// Pictures of 40 pixels a side, cut to crops that most windows must shrink to.
struct Loaders {
  test::Folder folder;
  std::string path = folder / "set";
  Loaders() { test::write_hills(path, 8, 5); }

  static LoaderOptions options(std::size_t crop, bool raw) {
    LoaderOptions o;
    o.batch = 5;
    o.augment.crop = crop;
    o.seed = 4;
    o.raw = raw;
    return o;
  }
};

TEST_CASE("raw batches become the pixels of the others", "[device]") {
  const Loaders l;
  const Dataset dataset(l.path);
  const Device devices[] = {Device::cpu, Device::gpu};
  for (const Device device : devices) {
    if (device == Device::gpu && !test::has_device()) continue;
    for (const std::size_t crop : {7, 24, 33}) {
      Loader plain(dataset, Loaders::options(crop, false)),
          raw(dataset, Loaders::options(crop, true));
      Uploader upload(device);
      for (std::uint64_t step = 0; step < 4; ++step) {
        const Batch expected = plain.next(step), cuts = raw.next(step);
        CHECK_FALSE(cuts.rgb.defined());
        const Batch got = develop(cuts, upload);
        CHECK(got.cuts.empty());
        CHECK(got.rgb.device() == device);
        CHECK(got.indices == expected.indices);
        CHECK(same_bytes(got.rgb.to(Device::cpu), expected.rgb));
        CHECK(test::difference(got.lightness.to(Device::cpu), expected.lightness, 0, 1e-3) == "");
        CHECK(test::difference(got.ab.to(Device::cpu), expected.ab, 0, 1e-3) == "");
        const Batch sent = develop(expected, upload);  // a host's batch goes there as it is
        CHECK(same_bytes(sent.rgb.to(Device::cpu), expected.rgb));
        CHECK(test::difference(sent.ab.to(Device::cpu), got.ab.to(Device::cpu), 0, 1e-3) == "");
        CHECK(develop(sent, upload).ab.f32() == sent.ab.f32());  // and is not touched again
      }
    }
  }
}

TEST_CASE("inputs and targets on the device are the host's", "[device]") {
  if (!test::has_device()) return;
  const Loaders l;
  const Dataset dataset(l.path);
  Loader loader(dataset, Loaders::options(24, false));
  const Batch host = loader.next(0);
  Uploader upload(Device::gpu);
  const Batch there = develop(host, upload);
  for (const Grey grey : {Grey::lightness, Grey::rgb_mean}) {
    for (const ChromaSpace space : {ChromaSpace::lab, ChromaSpace::ycbcr}) {
      ModelInfo info;
      info.grey = grey;
      info.space = space;
      const auto same = [](const Tensor& a, const Tensor& b) {
        return test::difference(a.to(Device::cpu), b, 0, 2e-5);
      };
      CHECK(same(training_input(info, there), training_input(info, host)) == "");
      CHECK(same(chroma_target(info, there), chroma_target(info, host)) == "");
      CHECK(same(luma_of(info, there), luma_of(info, host)) == "");
      CHECK(same(rgb_of(there), rgb_of(host)) == "");
    }
  }
}

}  // namespace
}  // namespace tinct
