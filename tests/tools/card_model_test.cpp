// The model of cards: numbers that a person can check, and what ptxas's table says.
#include "tools/card_model.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tools/ptxas_table.h"

namespace tinct {
namespace {

using Catch::Matchers::Contains;

// A launch that gives every multiprocessor of the card a block.
LaunchWork filling(const Card& card) {
  LaunchWork launch;
  launch.blocks = static_cast<std::uint64_t>(card.multiprocessors);
  return launch;
}

double seconds_of(const Bound& b, Resource resource) {
  for (const Bound::Part& part : b.parts) {
    if (part.resource == resource) return part.seconds;
  }
  return 0;
}

TEST_CASE("a card's f32 rate is what its units and its clock make", "[card_model]") {
  for (const Card& card : cards()) {
    const double lanes = card.name == "a100" ? 64 : 128;
    CHECK(card.multiprocessors * lanes * 2 * card.clock_ghz / 1e3 ==
          Approx(card.fp32_tflops).epsilon(0.01));
    CHECK(card.source != "");
  }
}

TEST_CASE("each resource's time is its work over its rate", "[card_model]") {
  const Card& h200 = find_card("h200");
  Work work;
  work.bytes = 4.8e9;       // a millisecond at 4800 GB/s
  work.fp32_flops = 134e9;  // 2 ms at 67 TFLOP/s
  LaunchWork launch = filling(h200);
  launch.block_sectors = 5.5e9 / 32 * 3;  // 3 ms at 5500 GB/s
  launch.sectors = 4 * 132 * 1.98e6 * 4;  // 4 ms: four a clock and multiprocessor
  launch.waves = 132 * 1.98e6 * 5;        // 5 ms: one a clock and multiprocessor
  launch.tensor_ops = 989e9 / 4096 * 6;   // 6 ms
  work.launches = {launch};
  const Bound b = bound(h200, work);
  REQUIRE(b.parts.size() == 6);
  const Resource expected[] = {Resource::tensor, Resource::shared, Resource::l1,
                               Resource::l2,     Resource::fp32,   Resource::dram};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(b.parts[i].resource == expected[i]);
    CHECK(b.parts[i].seconds == Approx(1e-3 * static_cast<double>(6 - i)));
  }
  CHECK(b.seconds() == Approx(6e-3));
}

TEST_CASE("a lone block has one multiprocessor to itself", "[card_model]") {
  const Card& a100 = find_card("a100");
  Work work;
  work.fp32_flops = 19.5e9;  // a millisecond of the whole card
  work.launches = {filling(a100)};
  CHECK(seconds_of(bound(a100, work), Resource::fp32) == Approx(1e-3));
  work.launches[0].blocks = 1;
  CHECK(seconds_of(bound(a100, work), Resource::fp32) == Approx(108e-3));
  // One block more than multiprocessors: one of these gets two of the 109.
  work.launches[0].blocks = 109;
  CHECK(seconds_of(bound(a100, work), Resource::fp32) == Approx(1e-3 * 108 * 2 / 109));
}

TEST_CASE("a request takes a clock even where it needs one sector", "[card_model]") {
  const Card& card = find_card("rtx4090");
  LaunchWork launch = filling(card);
  launch.requests = 128 * 2.52e6;
  launch.sectors = launch.requests;
  const Bound b = bound(card, {0, 0, {launch}});
  CHECK(seconds_of(b, Resource::l1) == Approx(1e-3));
  CHECK(seconds_of(b, Resource::l2) == 0);  // no figure is published
}

TEST_CASE("nothing asked takes no time", "[card_model]") {
  CHECK(bound(find_card("h200"), {}).seconds() == 0);
}

TEST_CASE("how many blocks a multiprocessor holds", "[card_model]") {
  const Card& h200 = find_card("h200");
  LaunchWork launch;
  launch.threads = 256;
  launch.blocks = 66;
  CHECK(occupancy(h200, launch).warps == 64);  // 8 blocks of 8 warps
  CHECK(occupancy(h200, launch).multiprocessors == Approx(0.5));
  launch.registers = 128;  // 4096 a warp: 16 warps
  CHECK(occupancy(h200, launch).blocks == 2);
  launch.registers = 129;  // given out as 136: 15 warps
  CHECK(occupancy(h200, launch).blocks == 1);
  launch.registers = 32;
  launch.shared_bytes = 50 * 1024 - 1024;  // 228 / 50
  CHECK(occupancy(h200, launch).blocks == 4);
  launch.threads = 32;
  launch.shared_bytes = 0;
  CHECK(occupancy(h200, launch).blocks == 32);
  CHECK(occupancy(find_card("rtx4090"), launch).blocks == 24);
}

TEST_CASE("figures with prefixes", "[card_model]") {
  CHECK(with_prefix(64, "FLOP") == "64 FLOP");
  CHECK(with_prefix(75.5e6, "FLOP") == "75.5 MFLOP");
  CHECK(with_prefix(4800e9, "B/s") == "4.8 TB/s");
  CHECK(with_prefix(2.02e-9, "s") == "2.02 ns");
  CHECK(with_prefix(0.9999e-6, "s") == "1 us");
  CHECK(with_prefix(0, "B") == "0 B");
}

TEST_CASE("an unknown card", "[card_model]") {
  CHECK_THROWS_WITH(find_card("h20"), Contains("did you mean 'h200'") && Contains("rtx4090"));
  CHECK_THROWS_AS(find_card(""), std::invalid_argument);
}

TEST_CASE("names of kernels as ptxas's table has them", "[ptxas]") {
  CHECK(short_kernel_name("void tinct::gpu::(anonymous namespace)::forward<(tinct::Activation)1, "
                          "float>(unsigned long, float const*, float (*)(int))") ==
        "forward<1, float>");
  CHECK(short_kernel_name("void tinct::gpu_checked::arrange<tinct::bf16, 8>(int)") ==
        "arrange<tinct::bf16, 8>");
  CHECK(short_kernel_name("encode_many") == "encode_many");
}

TEST_CASE("the table of ptxas is in the program", "[ptxas]") {
  CHECK(ptxas_architecture() == "sm_80");
  CHECK(ptxas_table().size() > 300);
  const PtxasRow* row = find_ptxas_row("forward<1, float>", {"kernels/activation.cu"});
  REQUIRE(row != nullptr);
  CHECK(row->file == "kernels/activation.cu");
  CHECK(row->registers > 0);
  CHECK(find_ptxas_row("forward<1, float>", {}) == nullptr);  // several files have one
  CHECK(find_ptxas_row("no_such_kernel", {}) == nullptr);
}

}  // namespace
}  // namespace tinct
