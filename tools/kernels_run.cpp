// Runs a rung on arrays of its own, against its reference, and counts.
#include "tools/kernels_run.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "core/simt/device.h"
#include "core/text.h"
#include "tools/kernels_arrays.h"

#ifdef TINCT_STUDY_CHECKED
namespace tinct::gpu_checked {
const std::vector<study::Kernel>& kernel_list();
}
#endif

namespace tinct {
namespace {

using study::Arrays;
using study::ArraySpec;
using study::Kernel;
using study::Run;
using study::Rung;
using study::Stored;

// --- Names.

template <class Items, class Name>
std::vector<std::string> names_of(const Items& items, Name&& name) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(name(item));
  return names;
}

// By number or by name; without either the last of ours that stores numbers so.
const Rung& find_rung(const Kernel& kernel, const std::string& text, const std::string& type) {
  const auto stores = [&](const Rung& rung) {
    return type.empty() || std::any_of(rung.types.begin(), rung.types.end(),
                                       [&](Stored s) { return name_of(s) == type; });
  };
  const Rung* last = nullptr;
  for (const Rung& rung : kernel.rungs) {
    if (text == rung.name || text == std::to_string(rung.number)) return rung;
    const bool ours = rung.file.find("/vendor/") == std::string::npos;
    if (!ours || !stores(rung) || !rung.shape.empty()) continue;
    if (last == nullptr || rung.number > last->number) last = &rung;
  }
  if (text.empty() && last != nullptr) return *last;
  const auto names = names_of(kernel.rungs, [](const Rung& r) { return r.name; });
  throw std::invalid_argument(kernel.name + " has no rung '" + text + "'" +
                              did_you_mean(text, names) + "; there are " +
                              join(names_of(kernel.rungs, [](const Rung& r) {
                                return std::to_string(r.number) + " " + r.name;
                              })));
}

Stored find_type(const Kernel& kernel, const Rung& rung, const std::string& type) {
  if (type.empty()) return rung.types.front();
  for (const Stored stored : rung.types) {
    if (type == name_of(stored)) return stored;
  }
  const auto names = names_of(rung.types, [](Stored s) { return std::string(name_of(s)); });
  throw std::invalid_argument(kernel.name + "/" + rung.name + " does not compute in " + type +
                              "; there is " + join(names));
}

std::vector<std::size_t> shape_of(const Kernel& kernel, const Rung& rung,
                                  const std::vector<std::size_t>& given) {
  const auto names = names_of(kernel.shape, [](const study::Extent& e) { return e.name; });
  if (given.size() > kernel.shape.size()) {
    throw std::invalid_argument("--shape: " + kernel.name + " takes " + join(names, ",") + ", " +
                                std::to_string(kernel.shape.size()) + " numbers and not " +
                                std::to_string(given.size()));
  }
  std::vector<std::size_t> shape = rung.shape;
  for (std::size_t i = shape.size(); i < kernel.shape.size(); ++i) {
    shape.push_back(kernel.shape[i].fallback);
  }
  std::copy(given.begin(), given.end(), shape.begin());
  return shape;
}

std::vector<OutputError> errors_of(const Run& run, const DeviceArrays& device, double value,
                                   std::vector<HostArray> values) {
  Arrays host;
  for (HostArray& a : values) host.data.push_back(a.data());
  const double expected = run.reference(host);
  std::vector<OutputError> errors;
  if (expected != 0 || value != 0) {
    const double difference = std::abs(value - expected);
    errors.push_back({"value", difference, difference / std::abs(expected)});
  }
  for (std::size_t i = 0; i < run.arrays.size(); ++i) {
    if (run.arrays[i].role == ArraySpec::input) continue;
    errors.push_back(error_of(run.arrays[i], device.read(i), values[i]));
  }
  return errors;
}

// --- Running.

double bytes_moved(const Run& run) {
  double bytes = 0;
  for (const ArraySpec& a : run.arrays) {
    const double once = static_cast<double>(a.size * bytes_of(a.stored));
    bytes += a.role == ArraySpec::updated ? 2 * once : once;
  }
  return bytes;
}

#ifdef TINCT_STUDY_CHECKED
std::string file_of(const std::string& where) {
  return where.substr(0, where.rfind(':'));
}

KernelCounts counted(simt::Report report, const Rung& rung) {
  KernelCounts counts{std::move(report), {}};
  std::vector<std::string> files = {rung.file};
  for (const simt::LineCount& line : counts.report.lines) files.push_back(file_of(line.where));
  for (const simt::LaunchCount& launch : counts.report.kernels) {
    std::vector<std::string> likely = {file_of(launch.where)};
    likely.insert(likely.end(), files.begin(), files.end());
    counts.resources.push_back(find_ptxas_row(short_kernel_name(launch.kernel), likely));
  }
  return counts;
}
#endif

// The median of some launches on a card, each between two events; the first is not counted. What is
// written before each turns the caches over and keeps the card busy until the launch is queued.
double median_milliseconds(const Run& run, const Arrays& arrays) {
  constexpr int kLaunches = 21;
  constexpr std::size_t kMoreThanCaches = std::size_t{256} << 20;
  device::Array<char> other(kMoreThanCaches);
  std::vector<double> times;
  for (int i = 0; i <= kLaunches; ++i) {
    device::Event begin(true), end(true);
    device::set_zero(other.data(), kMoreThanCaches);
    begin.record();
    run.kernel(arrays);
    end.record();
    end.wait();
    if (i > 0) times.push_back(end.milliseconds_since(begin));
  }
  std::nth_element(times.begin(), times.begin() + kLaunches / 2, times.end());
  return times[kLaunches / 2];
}

}  // namespace

const char* study::name_of(Stored stored) {
  return stored == Stored::f32 ? "f32" : stored == Stored::bf16 ? "bf16" : "u8";
}

std::size_t study::bytes_of(Stored stored) {
  return stored == Stored::f32 ? 4 : stored == Stored::bf16 ? 2 : 1;
}

const std::vector<Kernel>& kernel_list() {
#if defined(TINCT_STUDY_CHECKED)
  return gpu_checked::kernel_list();
#elif defined(TINCT_WITH_GPU)
  return gpu::kernel_list();
#else
  throw DeviceError(
      "kernels: this build has no GPU kernels; build with -DTINCT_GPU=sim to study them on the "
      "CPU");
#endif
}

const Kernel& find_kernel(const std::string& name) {
  for (const Kernel& kernel : kernel_list()) {
    if (kernel.name == name) return kernel;
  }
  const auto names = names_of(kernel_list(), [](const Kernel& k) { return k.name; });
  throw std::invalid_argument("unknown kernel '" + name + "'" + did_you_mean(name, names) +
                              "; tinct kernels lists them");
}

std::string no_counts_because() {
#if defined(TINCT_STUDY_CHECKED)
  return "";
#else
  return device::backend() == device::Backend::cuda
             ? "a card counts nothing; a build with -DTINCT_GPU=sim does"
             : "this build has no checked kernels (TINCT_GPU_CHECKED, with g++ and no sanitizer)";
#endif
}

KernelResult run_kernel(const KernelRequest& request) {
  const std::size_t slash = request.name.find('/');
  const Kernel& kernel = find_kernel(request.name.substr(0, slash));
  const Rung& rung = find_rung(
      kernel, slash == std::string::npos ? "" : request.name.substr(slash + 1), request.type);
  const Stored stored = find_type(kernel, rung, request.type);
  const std::vector<std::size_t> shape = shape_of(kernel, rung, request.shape);
  const OpSettings settings(kernel.settings, request.settings);
  const Run run = kernel.prepare({shape, settings, rung, stored});
  device::check_usable();

  KernelResult result;
  result.kernel = &kernel;
  result.rung = &rung;
  result.stored = stored;
  result.shape = shape;
  result.flops = run.flops;
  result.bytes = bytes_moved(run);
  std::vector<HostArray> values;
  for (std::size_t i = 0; i < run.arrays.size(); ++i) values.push_back(drawn(run.arrays[i], i));
#ifdef TINCT_STUDY_CHECKED
  simt::track_writes(true);
  const DeviceArrays device(run.arrays, values);
  double value = 0;
  {
    simt::Session session;
    session.count_flops();
    value = run.kernel(device.arrays());
    result.counts = counted(session.report(), rung);
  }
#else
  const DeviceArrays device(run.arrays, values);
  const double value = run.kernel(device.arrays());
#endif
  result.errors = errors_of(run, device, value, values);
  result.right = std::all_of(result.errors.begin(), result.errors.end(),
                             [&](const OutputError& e) { return e.relative <= run.tolerance; });
  if (device::backend() == device::Backend::cuda) {
    result.milliseconds = median_milliseconds(run, device.arrays());
  }
  return result;
}

Work work_of(const KernelResult& result) {
  Work work{result.bytes, result.flops, {}};
  const simt::Report& report = result.counts->report;
  for (std::size_t i = 0; i < report.kernels.size(); ++i) {
    const simt::LaunchCount& l = report.kernels[i];
    const PtxasRow* row = result.counts->resources[i];
    LaunchWork launch;
    launch.blocks = std::uint64_t{l.grid[0]} * l.grid[1] * l.grid[2];
    launch.threads = l.block[0] * l.block[1] * l.block[2];
    launch.registers = row != nullptr ? row->registers : 0;
    launch.shared_bytes =
        l.shared_bytes + static_cast<std::size_t>(row != nullptr ? row->shared : 0);
    launch.sectors = static_cast<double>(l.sectors);
    launch.requests = static_cast<double>(l.requests);
    launch.block_sectors = static_cast<double>(l.block_sectors);
    launch.waves = static_cast<double>(l.waves);
    launch.tensor_ops = static_cast<double>(l.tensor_ops);
    work.launches.push_back(launch);
  }
  // What tensor cores multiply, the other units need not.
  if (report.tensor_ops > 0) work.fp32_flops = 0;
  return work;
}

}  // namespace tinct
