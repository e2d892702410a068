// `tinct kernels`: the list names every GPU kernel, every rung runs and is right, counts are exact.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "core/error.h"
#include "tools/kernels_print.h"

#ifdef TINCT_WITH_GPU
#include "kernels/conv/rungs.h"
#endif

namespace tinct {
namespace {

using Catch::Matchers::Contains;
using study::Kernel;
using study::Rung;

#ifndef TINCT_WITH_GPU

TEST_CASE("a build without GPU kernels says so", "[kernels]") {
  CHECK_THROWS_AS(kernel_list(), DeviceError);
}

#else

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The functions that the headers of kernels/ declare in tinct::gpu: the operations and the rungs
// that led there. Those of *_device.h are parts of kernels.
std::set<std::string> declared_functions() {
  std::set<std::string> names;
  const std::regex space("namespace (?:tinct::)?gpu \\{([^]*)\\}  // namespace (?:tinct::)?gpu");
  const std::regex function("(?:^|\\n)(?:void|double) ([a-z0-9_]+)\\(");
  for (const auto& entry : std::filesystem::directory_iterator(TINCT_SOURCE_DIR "/kernels")) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".h" || file.find("_device.h") != std::string::npos) continue;
    const std::string text = text_of(entry.path());
    std::smatch found;
    if (!std::regex_search(text, found, space)) continue;
    const std::string body = found[1];
    for (std::sregex_iterator i(body.begin(), body.end(), function), end; i != end; ++i) {
      names.insert((*i)[1]);
    }
  }
  return names;
}

std::set<std::string> listed_functions() {
  std::set<std::string> names;
  for (const Kernel& kernel : kernel_list()) {
    names.insert(kernel.name);  // gpu::conv2d chooses among its rungs
    for (const Rung& rung : kernel.rungs) names.insert(rung.function);
  }
  return names;
}

TEST_CASE("every operation on the GPU is listed, rung by rung", "[kernels]") {
  const std::set<std::string> declared = declared_functions();
  const std::set<std::string> listed = listed_functions();
  CHECK(declared.size() > 70);
  for (const std::string& name : declared) {
    INFO("tinct::gpu::" << name << " is in kernels/*.h and not in tools/study");
    CHECK(listed.count(name) == 1);
  }
}

TEST_CASE("the ladder of convolutions is that of kernels/conv/rungs.h", "[kernels]") {
  for (const char* name : {"conv2d", "conv2d_backward_data", "conv2d_backward_weights"}) {
    const Kernel& kernel = find_kernel(name);
    std::set<std::pair<int, std::string> > expected, listed;
    for (const auto& rung : gpu::conv2d_rungs()) expected.emplace(rung.number, rung.name);
    for (const auto& rung : gpu::conv2d_rungs_tf32()) expected.emplace(rung.number, rung.name);
    for (const auto& rung : gpu::conv2d_rungs_bf16()) expected.emplace(rung.number, rung.name);
    for (const Rung& rung : kernel.rungs) listed.emplace(rung.number, rung.name);
    CHECK(listed == expected);
  }
}

bool of_vendor(const Rung& rung) {
  return rung.file.find("/vendor/") != std::string::npos;
}

TEST_CASE("a rung's file holds its function", "[kernels]") {
  std::set<std::string> names;
  for (const Kernel& kernel : kernel_list()) {
    CHECK(names.insert(kernel.name).second);
    CHECK(!kernel.rungs.empty());
    for (const Rung& rung : kernel.rungs) {
      INFO(kernel.name << "/" << rung.name << ": " << rung.function << " in " << rung.file);
      if (of_vendor(rung)) continue;
      CHECK(text_of(TINCT_SOURCE_DIR "/" + rung.file).find(" " + rung.function + "(") !=
            std::string::npos);
      CHECK(!rung.idea.empty());
      CHECK(!rung.types.empty());
    }
  }
}

// Extents at which a checked run takes little time.
std::vector<std::size_t> small_shape(const Kernel& kernel, const Rung& rung) {
  if (!rung.shape.empty()) return {1, 5, 6, rung.shape[3], rung.shape[4]};
  std::vector<std::size_t> shape;
  for (const study::Extent& e : kernel.shape) {
    const std::size_t most = e.name == "n" ? 2 : e.name == "h" || e.name == "w" ? 6 : 33;
    const bool many = e.name == "count" || e.name == "pixels" || e.name == "bins";
    shape.push_back(std::min<std::size_t>(e.fallback, many ? 400 : most));
  }
  return shape;
}

// A library need not have a kernel for every shape.
TEST_CASE("every rung of every kernel runs, in every type, and is right", "[kernels]") {
  for (const Kernel& kernel : kernel_list()) {
    for (const Rung& rung : kernel.rungs) {
      if (of_vendor(rung)) continue;
      for (const study::Stored stored : rung.types) {
        INFO(kernel.name << "/" << rung.name << " in " << name_of(stored));
        std::vector<std::string> settings;
        for (const OpSetting& s : kernel.settings) {
          if (s.name == "size") settings.emplace_back("size=12,11");
        }
        const KernelResult result = run_kernel(
            {kernel.name + "/" + rung.name, small_shape(kernel, rung), settings, name_of(stored)});
        for (const OutputError& e : result.errors) UNSCOPED_INFO(e.name << ": " << e.relative);
        CHECK(result.right);
        CHECK(!result.errors.empty());
        CHECK(result.bytes > 0);
#ifdef TINCT_STUDY_CHECKED
        REQUIRE(result.counts);
        CHECK(result.counts->report.findings.empty());
        for (std::size_t i = 0; i < result.counts->resources.size(); ++i) {
          INFO(result.counts->report.kernels[i].kernel);
          CHECK(result.counts->resources[i] != nullptr);  // else ptxas.tsv is out of date
        }
        CHECK(bound(find_card("h200"), work_of(result)).seconds() > 0);
#endif
      }
    }
  }
}

#ifdef TINCT_STUDY_CHECKED

using simt::Access;
using simt::LineCount;
using simt::Space;

TEST_CASE("what a naive 1 x 1 convolution of 32 pixels asks for", "[kernels]") {
  const KernelResult r = run_kernel({"conv2d/1", {1, 4, 8, 1, 1}, {"kernel=1", "pad=0"}, ""});
  CHECK(r.right);
  CHECK(r.flops == 64);                     // a multiply-add a pixel
  CHECK(r.bytes == 4 * (32 + 1 + 1 + 32));  // x, w, bias, y
  const LineCount reads = r.counts->report.total(Space::global, Access::read);
  CHECK(reads.requests == 3);         // x, w and the bias, one warp each
  CHECK(reads.sectors == 4 + 1 + 1);  // 128 bytes of x, then one number twice
  CHECK(reads.ideal_sectors == reads.sectors);
  const LineCount writes = r.counts->report.total(Space::global, Access::write);
  CHECK(writes.requests == 1);
  CHECK(writes.sectors == 4);
  CHECK(r.counts->report.total(Space::shared, Access::read).requests == 0);
  CHECK(r.counts->report.tensor_ops == 0);
  REQUIRE(r.counts->report.kernels.size() == 1);
  CHECK(r.counts->report.kernels[0].block_sectors == 4 + 1 + 1 + 4);
}

TEST_CASE("lanes that read filters apart touch a sector each", "[kernels]") {
  // One pixel, 32 filters of 8 numbers: lanes are output channels, 32 bytes apart.
  const KernelResult r = run_kernel({"conv2d/1", {1, 1, 1, 8, 32}, {"kernel=1", "pad=0"}, ""});
  const LineCount reads = r.counts->report.total(Space::global, Access::read);
  // Eight times: one number of x for all, and one of each filter; then the bias.
  CHECK(reads.requests == 8 * 2 + 1);
  CHECK(reads.sectors == 8 * (1 + 32) + 4);
  CHECK(reads.ideal_sectors == 8 * (1 + 4) + 4);
}

TEST_CASE("what shared tiles ask for", "[kernels]") {
  // One tile of 32 pixels by 32 channels, one step of 32 terms.
  const KernelResult r = run_kernel({"conv2d/2", {1, 4, 8, 32, 32}, {"kernel=1", "pad=0"}, ""});
  CHECK(r.right);
  const LineCount reads = r.counts->report.total(Space::global, Access::read);
  // 32 rows of each tile, and the bias for each of the block's 8 warps: 128 bytes a request.
  CHECK(reads.requests == 32 + 32 + 8);
  CHECK(reads.sectors == 72 * 4);
  CHECK(reads.sectors == reads.ideal_sectors);
  CHECK(r.counts->report.total(Space::global, Access::write).sectors == 32 * 4);
  for (const Access access : {Access::read, Access::write}) {
    const LineCount shared = r.counts->report.total(Space::shared, access);
    CHECK(shared.requests > 0);
    CHECK(shared.waves == shared.ideal_waves);  // the padding keeps lanes in banks of their own
  }
  CHECK(r.counts->report.kernels[0].shared_bytes == 0);
  CHECK(r.counts->resources[0]->shared == 8320);  // two tiles of 32 x 32 and their padding
}

TEST_CASE("tensor cores are counted by the instruction", "[kernels]") {
  // A tile of 64 x 64 over 64 terms at the least: 4 x 8 instructions for each 16 of them.
  const KernelResult r =
      run_kernel({"conv2d/tensor_core", {1, 8, 8, 64, 64}, {"kernel=1", "pad=0"}, "bf16"});
  CHECK(r.right);
  CHECK(r.flops == 2.0 * 64 * 64 * 64);
  CHECK(r.counts->report.tensor_ops == 4 * 8 * 64 / 16);
  const Work work = work_of(r);
  CHECK(work.fp32_flops == 0);
  CHECK(4096 * work.launches[0].tensor_ops == r.flops);
  // The other units only bend what comes out: bias and slope.
  CHECK(r.counts->report.total_flops().flops <= 2 * 64 * 64);
}

// Elsewhere nothing is counted, and a run says so.
bool counts_flops(const KernelResult& r) {
#if defined(__x86_64__)
  REQUIRE(r.counts->report.flops_counted);
#else
  if (!r.counts->report.flops_counted) WARN("FLOPs are counted on x86-64 only: not tested");
#endif
  return r.counts->report.flops_counted;
}

std::uint64_t flops_in(const KernelResult& r, const std::string& file) {
  std::uint64_t flops = 0;
  for (const simt::FlopCount& line : r.counts->report.flops) {
    if (line.where.rfind(file + ":", 0) == 0) flops += line.flops;
  }
  return flops;
}

TEST_CASE("the naive convolution multiplies no padding", "[kernels]") {
  const KernelResult whole = run_kernel({"conv2d/1", {1, 4, 8, 3, 5}, {"kernel=1", "pad=0"}, ""});
  if (!counts_flops(whole)) return;
  CHECK(whole.counts->report.total_flops().flops == whole.flops);
  CHECK(whole.counts->report.flops.size() == 1);
  const KernelResult padded = run_kernel({"conv2d/1", {1, 4, 8, 3, 5}, {}, ""});
  CHECK(padded.flops == 2 * 9 * (4 * 8) * 3 * 5);
  // Each of the first and last rows and columns lacks one of three taps.
  CHECK(padded.counts->report.total_flops().flops == 2 * (3 * 4 - 2) * (3 * 8 - 2) * 3 * 5);
}

TEST_CASE("full register tiles multiply what the formula says", "[kernels]") {
  const KernelResult r = run_kernel({"conv2d/3", {1, 8, 8, 64, 64}, {"kernel=1", "pad=0"}, ""});
  if (!counts_flops(r)) return;
  CHECK(r.flops == 2 * 64 * 64 * 64);
  const std::string tile = "kernels/conv/register_tile-inl.h";
  CHECK(flops_in(r, tile) == r.flops);
  // Behind the sums a result has its bias added and, below zero, is multiplied by a slope.
  const std::uint64_t rest = r.counts->report.total_flops().flops - flops_in(r, tile);
  CHECK(flops_in(r, "kernels/conv/register_tiles.cu") == 64 * 64);
  CHECK(rest <= 2 * 64 * 64);
}

TEST_CASE("a run as JSON", "[kernels]") {
  const KernelResult r = run_kernel({"conv2d/1", {1, 4, 8, 1, 1}, {"kernel=1", "pad=0"}, ""});
  if (counts_flops(r)) {
    const nlohmann::json arithmetic = to_json(r, find_card("a100"))["counts"]["arithmetic"];
    CHECK(arithmetic["flops"] == 64);
    CHECK(arithmetic["special"] == 0);
    REQUIRE(arithmetic["lines"].size() == 1);
    CHECK(arithmetic["lines"][0]["flops"] == 64);
    CHECK(arithmetic["lines"][0]["at"].get<std::string>().rfind("kernels/conv/naive.cu:", 0) == 0);
  }
  const nlohmann::json j = to_json(r, find_card("a100"));
  CHECK(j["kernel"] == "conv2d");
  CHECK(j["rung"] == 1);
  CHECK(j["shape"]["w"] == 8);
  CHECK(j["right"] == true);
  CHECK(j["errors"][0]["array"] == "y");
  CHECK(j["counts"]["reads"]["sectors"] == 6);
  CHECK(j["counts"]["reads"]["ideal_sectors"] == 6);
  CHECK(j["counts"]["launches"][0]["spill_bytes"] == 0);
  CHECK(j["counts"]["launches"][0]["registers"] > 0);
  CHECK(j["counts"]["findings"].empty());
  CHECK(j["model"]["card"] == "a100");
  CHECK(j["model"]["note"] == "model, not a measurement");
  CHECK(j["model"]["us"] == j["model"]["resources"][0]["us"]);
  CHECK(j["model"]["bound_by"] == j["model"]["resources"][0]["resource"]);
  CHECK(j["time_us"].is_null());
}

#endif

TEST_CASE("the list as JSON: an object a kernel", "[kernels]") {
  for (const Kernel& kernel : kernel_list()) {
    const nlohmann::json j = to_json(kernel);
    CHECK(j["name"] == kernel.name);
    CHECK(!j["operation"].get<std::string>().empty());
    CHECK(j["types"].is_array());
    REQUIRE(j["rungs"].size() == kernel.rungs.size());
    for (const auto& rung : j["rungs"]) {
      CHECK(rung["rung"].get<int>() >= 1);
      for (const char* key : {"name", "file", "function", "idea"}) CHECK(rung[key].is_string());
    }
  }
}

TEST_CASE("what a run refuses", "[kernels]") {
  const auto run = [](const char* name, std::vector<std::size_t> shape = {},
                      std::vector<std::string> settings = {}, const char* type = "") {
    run_kernel({name, std::move(shape), std::move(settings), type});
  };
  CHECK_THROWS_WITH(run("conv2"), Contains("unknown kernel 'conv2' (did you mean 'conv2d'?)"));
  CHECK_THROWS_WITH(run("conv2d/naiv"), Contains("did you mean 'naive'"));
  CHECK_THROWS_WITH(run("conv2d/70"), Contains("has no rung '70'") && Contains("1 naive"));
  CHECK_THROWS_WITH(run("conv2d/4", {}, {}, "f32"), Contains("does not compute in f32"));
  CHECK_THROWS_WITH(run("conv2d/1", {1, 2, 3, 4, 5, 6}), Contains("takes n,h,w,c,k"));
  CHECK_THROWS_WITH(run("conv2d/1", {}, {"strid=2"}), Contains("did you mean 'stride'"));
  CHECK_THROWS_WITH(run("conv2d/5", {1, 4, 4, 64, 64}), Contains("does not compute this shape"));
  CHECK_THROWS_AS(run("conv2d/1", {1, 1, 1, 1, 1}, {"pad=0"}), std::invalid_argument);
}

#endif

}  // namespace
}  // namespace tinct
