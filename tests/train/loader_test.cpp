// The loader: its batches depend on their number alone, its order on the weights.
#include "train/loader.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/colour.h"
#include "tests/train/data_check.h"

using namespace tinct;
using namespace tinct::test;

namespace {

LoaderOptions small_options() {
  LoaderOptions options;
  options.batch = 4;
  options.augment.crop = 24;
  options.seed = 11;
  return options;
}

std::uint64_t hash_of_batch(const Batch& batch) {
  const std::uint64_t parts[] = {
      hash_of(batch.rgb), hash_of(batch.lightness), hash_of(batch.ab),
      hash64(batch.indices.data(), batch.indices.size() * sizeof(std::size_t)), batch.step};
  return hash64(parts, sizeof parts);
}

std::vector<std::uint64_t> hashes(const Dataset& dataset, const LoaderOptions& options,
                                  std::uint64_t first, std::uint64_t last) {
  Loader loader(dataset, options);
  std::vector<std::uint64_t> result;
  for (std::uint64_t step = first; step < last; ++step) {
    result.push_back(hash_of_batch(loader.next(step)));
  }
  return result;
}

}  // namespace

TEST_CASE("batches are the same bits for any threads, prefetch depth and starting point") {
  const Folder folder;
  write_hills(folder / "set", 11, 7);
  const Dataset dataset(folder / "set");
  const std::vector<std::uint64_t> truth = hashes(dataset, small_options(), 0, 12);
  CHECK(std::set<std::uint64_t>(truth.begin(), truth.end()).size() == 12);
  for (const int threads : {1, 2, 5}) {
    for (const std::size_t prefetch : {1u, 3u, 16u}) {
      LoaderOptions options = small_options();
      options.threads = threads;
      options.prefetch = prefetch;
      INFO(threads << " threads, prefetch " << prefetch);
      CHECK(hashes(dataset, options, 0, 12) == truth);
      for (const std::uint64_t start : {1u, 5u, 11u}) {
        const std::vector<std::uint64_t> rest(truth.begin() + static_cast<long>(start),
                                              truth.end());
        CHECK(hashes(dataset, options, start, 12) == rest);
      }
    }
  }
  const int before = tinct::threads();
  for (const int threads : {1, 3}) {
    set_threads(threads);
    CHECK(hashes(dataset, small_options(), 0, 12) == truth);
  }
  set_threads(before);
  LoaderOptions other = small_options();
  other.seed = 12;
  CHECK(hashes(dataset, other, 0, 12) != truth);
}

TEST_CASE("batches may be asked for in any order") {
  const Folder folder;
  write_hills(folder / "set", 11, 7);
  const Dataset dataset(folder / "set");
  const std::vector<std::uint64_t> truth = hashes(dataset, small_options(), 0, 30);
  LoaderOptions options = small_options();
  options.threads = 2;
  Loader loader(dataset, options);
  for (const std::uint64_t step : {3u, 4u, 4u, 7u, 5u, 0u, 29u, 1u, 2u, 28u}) {
    CHECK(hash_of_batch(loader.next(step)) == truth[step]);
  }
}

TEST_CASE("a batch holds what its positions say, in three forms that agree") {
  const Folder folder;
  write_hills(folder / "set", 5, 5);
  const Dataset dataset(folder / "set");
  const LoaderOptions options = small_options();
  Loader loader(dataset, options);
  REQUIRE(loader.epoch_size() == 5);
  const std::vector<double> weights =
      sampling_weights(dataset, dataset.split(Split::train), options.source_power);
  for (std::uint64_t step = 0; step < 6; ++step) {
    const Batch batch = loader.next(step);
    CHECK(batch.step == step);
    CHECK(batch.starved_ms >= 0);
    REQUIRE(batch.rgb.shape() == Shape{4, 24, 24, 3});
    REQUIRE(batch.lightness.shape() == Shape{4, 24, 24, 1});
    REQUIRE(batch.ab.shape() == Shape{4, 24, 24, 2});
    for (std::size_t i = 0; i < 4; ++i) {
      const SamplePosition at = loader.position(step, i);
      CHECK(at.epoch * 5 + at.position == step * 4 + i);
      const std::size_t picture = epoch_order(weights, options.seed, at.epoch)[at.position];
      CHECK(batch.indices[i] == picture);
      const Tensor cut =
          augment(dataset.read(picture), options.augment, options.seed, at.epoch, at.position);
      CHECK(std::memcmp(cut.u8(), batch.rgb.u8() + i * cut.bytes(), cut.bytes()) == 0);
    }
    for (const std::size_t p : {0u, 100u, 2303u}) {
      const std::uint8_t* rgb = batch.rgb.u8() + p * 3;
      const ref::Colour lab = ref::srgb_to_lab({rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0});
      CHECK(batch.lightness.f32()[p] == Approx(lab[0]).margin(1e-2));
      CHECK(batch.ab.f32()[2 * p] == Approx(lab[1]).margin(1e-2));
      CHECK(batch.ab.f32()[2 * p + 1] == Approx(lab[2]).margin(1e-2));
    }
  }
}

TEST_CASE("only the training split is drawn, or the pictures that were named") {
  const Folder folder;
  {
    DatasetWriter writer(folder / "set");
    for (std::size_t i = 0; i < 6; ++i) {
      Picture picture;
      picture.name = std::to_string(i);
      picture.split = i % 2 == 0 ? Split::val : Split::train;
      writer.add(picture, to_tensor(hills(30, 30, i)));
    }
    writer.commit();
  }
  const Dataset dataset(folder / "set");
  std::set<std::size_t> drawn;
  {
    Loader loader(dataset, small_options());
    for (std::uint64_t step = 0; step < 6; ++step) {
      for (const std::size_t i : loader.next(step).indices) drawn.insert(i);
    }
  }
  CHECK(drawn == std::set<std::size_t>{1, 3, 5});
  LoaderOptions options = small_options();
  options.pictures = {2, 3};
  drawn.clear();
  Loader loader(dataset, options);
  for (std::uint64_t step = 0; step < 4; ++step) {
    for (const std::size_t i : loader.next(step).indices) drawn.insert(i);
  }
  CHECK(drawn == std::set<std::size_t>{2, 3});
}

TEST_CASE("a source's share is its count to the given power") {
  const Folder folder;
  write_hills(folder / "set", 100, 81, 8);
  const Dataset dataset(folder / "set");
  const std::vector<std::size_t>& all = dataset.split(Split::train);
  const auto share_of_a = [&](double power) {
    const std::vector<double> w = sampling_weights(dataset, all, power);
    CHECK(std::accumulate(w.begin(), w.end(), 0.0) == Approx(1));
    return std::accumulate(w.begin(), w.begin() + 81, 0.0);
  };
  CHECK(share_of_a(1) == Approx(81.0 / 100));
  CHECK(share_of_a(0) == Approx(1.0 / 2));
  CHECK(share_of_a(0.5) == Approx(9 / (9 + std::sqrt(19.0))));
  CHECK_THROWS_AS(sampling_weights(dataset, all, std::nan("")), std::invalid_argument);
}

TEST_CASE("an epoch draws each picture as often as its weight says") {
  const std::vector<double> weights = {0.5, 0.2, 0.1, 0.1, 0.04, 0.03, 0.02, 0.01, 0, 0};
  std::vector<double> total(10);
  constexpr std::uint64_t epochs = 3000;
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    const std::vector<std::size_t> order = epoch_order(weights, 5, epoch);
    REQUIRE(order.size() == 10);
    std::vector<int> count(10);
    for (const std::size_t i : order) ++count[i];
    bool near = true;
    for (std::size_t i = 0; i < 10; ++i) {
      near = near && std::abs(count[i] - 10 * weights[i]) < 1 + 1e-9;
      total[i] += count[i];
    }
    REQUIRE(near);
  }
  for (std::size_t i = 0; i < 10; ++i) {
    // Bernoulli around the expectation: 5 standard deviations.
    CHECK(total[i] / epochs == Approx(10 * weights[i]).margin(5 * 0.5 / std::sqrt(3000.0)));
  }
  // With equal weights an epoch is a permutation, and differs from the next.
  const std::vector<double> equal(50, 1.0 / 50);
  std::vector<std::size_t> order = epoch_order(equal, 5, 0);
  CHECK(order == epoch_order(equal, 5, 0));
  CHECK(order != epoch_order(equal, 5, 1));
  CHECK(order != epoch_order(equal, 6, 0));
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> every(50);
  std::iota(every.begin(), every.end(), std::size_t{0});
  CHECK(order == every);
}

TEST_CASE("an exception in a background thread is thrown by next, at its batch") {
  const Folder folder;
  const std::string path = folder / "set";
  write_hills(path, 4, 4);
  const Dataset dataset(path);
  {
    std::fstream shard(path + "/shard-00000.bin", std::ios::in | std::ios::out | std::ios::binary);
    shard.seekp(static_cast<std::streamoff>(dataset.picture(2).offset) + 10);
    shard.put('\x7f').put('\x01').put('\x7f');
  }
  LoaderOptions options = small_options();
  options.batch = 1;
  options.source_power = 1;
  Loader loader(dataset, options);
  const std::vector<std::size_t> order = epoch_order(std::vector<double>(4, 0.25), options.seed, 0);
  for (std::uint64_t step = 0; step < 4; ++step) {
    INFO("step " << step);
    if (order[step] == 2) {
      CHECK_THROWS_WITH(loader.next(step), Catch::Contains("hill 2"));
      CHECK_THROWS_AS(loader.next(step), DataError);  // and again when asked again
    } else {
      CHECK(loader.next(step).indices[0] == order[step]);
    }
  }
}

TEST_CASE("the loader refuses nonsense") {
  const Folder folder;
  write_hills(folder / "set", 2, 2, 8);
  const Dataset dataset(folder / "set");
  const auto refused = [&](auto change) {
    LoaderOptions options = small_options();
    change(options);
    CHECK_THROWS_AS(Loader(dataset, options), std::invalid_argument);
  };
  refused([](LoaderOptions& o) { o.batch = 0; });
  refused([](LoaderOptions& o) { o.threads = 0; });
  refused([](LoaderOptions& o) { o.prefetch = 0; });
  refused([](LoaderOptions& o) { o.augment.crop = 0; });
  refused([](LoaderOptions& o) { o.source_power = std::nan(""); });
  LoaderOptions options = small_options();
  options.pictures = {2};
  CHECK_THROWS_AS(Loader(dataset, options), std::out_of_range);
  {
    DatasetWriter writer(folder / "val");
    Picture picture;
    picture.split = Split::val;
    writer.add(picture, to_tensor(hills(8, 8, 1)));
    writer.commit();
  }
  const Dataset val(folder / "val");
  CHECK_THROWS_AS(Loader(val, small_options()), DataError);
}
