// tinct inspect: what is in a weights file, a checkpoint or any other safetensors file.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/safetensors.h"
#include "models/storage.h"
#include "tools/progress.h"
#include "tools/verb.h"

namespace tinct {
namespace {

struct Statistics {
  double mean = 0, deviation = 0, low = 0, high = 0;
  std::size_t not_finite = 0;
};

template <class T>
Statistics statistics(const T* values, std::size_t count) {
  Statistics s;
  double sum = 0, squares = 0;
  std::size_t finite = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double v = values[i];
    if (!std::isfinite(v)) {
      ++s.not_finite;
      continue;
    }
    s.low = finite == 0 ? v : std::min(s.low, v);
    s.high = finite == 0 ? v : std::max(s.high, v);
    sum += v;
    squares += v * v;
    ++finite;
  }
  if (finite == 0) return s;
  s.mean = sum / static_cast<double>(finite);
  s.deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(finite) - s.mean * s.mean));
  return s;
}

std::size_t count_of(const TensorEntry& entry) {
  std::size_t count = 1;
  for (const std::size_t extent : entry.extents) count *= extent;
  return count;
}

std::string shape_of(const TensorEntry& entry) {
  std::string text = "(";
  for (std::size_t i = 0; i < entry.extents.size(); ++i) {
    text += (i == 0 ? "" : ",") + std::to_string(entry.extents[i]);
  }
  return text + ")";
}

// A tensor of a type or rank that tinct does not compute with is listed without figures.
bool readable(const TensorEntry& entry) {
  static const char* const types[] = {"F32", "F16", "BF16", "F64", "I64",
                                      "I32", "I8",  "U8",   "BOOL"};
  return entry.extents.size() <= 4 && count_of(entry) > 0 &&
         std::find(std::begin(types), std::end(types), entry.dtype) != std::end(types);
}

// Of the numbers as they are computed with: 8-bit weights are multiplied by their scales.
Statistics statistics_of(const SafetensorsFile& file, const TensorEntry& entry) {
  const Tensor tensor = load_stored(file, entry.name);
  return tensor.dtype() == DType::u8 ? statistics(tensor.u8(), tensor.size())
                                     : statistics(tensor.f32(), tensor.size());
}

nlohmann::json to_json(const TensorEntry& entry, const Statistics* s) {
  nlohmann::json json = {{"name", entry.name},
                         {"dtype", entry.dtype},
                         {"shape", entry.extents},
                         {"bytes", entry.end - entry.begin}};
  if (s != nullptr) {
    json["mean"] = s->mean;
    json["std"] = s->deviation;
    json["min"] = s->low;
    json["max"] = s->high;
    json["not_finite"] = s->not_finite;
  }
  return json;
}

void print_row(const TensorEntry& entry, const Statistics* s, int width) {
  std::printf("%-*s  %-5s %-18s", width, entry.name.c_str(), entry.dtype.c_str(),
              shape_of(entry).c_str());
  if (s != nullptr) {
    std::printf(" %12.5g %12.5g %12.5g %12.5g", s->mean, s->deviation, s->low, s->high);
    if (s->not_finite > 0) std::printf("  %zu NOT FINITE", s->not_finite);
  }
  std::printf("\n");
}

void inspect(const std::string& path) {
  const SafetensorsFile file(path);
  nlohmann::json tensors = nlohmann::json::array();
  std::size_t width = 4, numbers = 0, not_finite = 0;
  std::uint64_t bytes = 0;
  for (const TensorEntry& entry : file.entries()) width = std::max(width, entry.name.size());
  const bool json = common().json;
  if (!json) {
    for (const auto& [key, value] : file.metadata()) {
      std::printf("%s: %s\n", key.c_str(), value.c_str());
    }
    std::printf("%s%-*s  %-5s %-18s %12s %12s %12s %12s\n", file.metadata().empty() ? "" : "\n",
                static_cast<int>(width), "name", "type", "shape", "mean", "std", "min", "max");
  }
  for (const TensorEntry& entry : file.entries()) {
    Statistics s;
    const bool known = readable(entry);
    if (known) s = statistics_of(file, entry);
    numbers += count_of(entry);
    bytes += entry.end - entry.begin;
    not_finite += s.not_finite;
    if (json) {
      tensors.push_back(to_json(entry, known ? &s : nullptr));
    } else {
      print_row(entry, known ? &s : nullptr, static_cast<int>(width));
    }
  }
  if (json) {
    std::cout << nlohmann::json{{"file", path},       {"metadata", file.metadata()},
                                {"tensors", tensors}, {"numbers", numbers},
                                {"bytes", bytes},     {"not_finite", not_finite}}
                     .dump(2)
              << '\n';
    return;
  }
  std::printf(
      "\n%zu tensors, %zu numbers, %s, %s\n", file.entries().size(), numbers,
      format_bytes(static_cast<double>(bytes)).c_str(),
      not_finite == 0 ? "all finite" : (std::to_string(not_finite) + " not finite").c_str());
}

}  // namespace

void add_inspect(CLI::App& app) {
  Verb verb = add_verb(app, "inspect", "Show the tensors and metadata of a safetensors file",
                       {"tinct inspect runs/first/best.safetensors",
                        "tinct inspect --json weights/small.safetensors"});
  auto path = std::make_shared<std::string>();
  verb.add_option("FILE", *path, "A weights file, a checkpoint or any safetensors file").required();
  verb.callback([path] { inspect(*path); });
}

}  // namespace tinct
