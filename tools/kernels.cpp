// tinct kernels: the GPU kernels rung by rung, and one of them run, checked and counted.
#include <charconv>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "tools/kernels_print.h"
#include "tools/verb.h"

namespace tinct {
namespace {

struct Options {
  std::string what, name, shape, type, card = "h200";
  std::vector<std::string> settings;
  bool lines = false;
};

// "1,32,32,64"
std::vector<std::size_t> parse_shape(const std::string& text) {
  std::vector<std::size_t> shape;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::size_t extent = 0;
    const auto [stop, error] = std::from_chars(at, end, extent);
    const bool more = stop < end && *stop == ',' && stop + 1 < end;
    if (error != std::errc() || (stop < end && !more) || extent < 1 || extent > 1000000) {
      throw std::invalid_argument("--shape " + text +
                                  ": must be whole numbers from 1 to 1000000, separated by commas");
    }
    shape.push_back(extent);
    at = stop + (more ? 1 : 0);
  }
  return shape;
}

void list(const std::string& name) {
  if (!name.empty()) {
    const study::Kernel& kernel = find_kernel(name);
    if (common().json) {
      std::cout << to_json(kernel).dump(2) << '\n';
    } else {
      print(kernel, true);
    }
    return;
  }
  nlohmann::json all = nlohmann::json::array();
  for (const study::Kernel& kernel : kernel_list()) {
    if (common().json) {
      all.push_back(to_json(kernel));
    } else {
      print(kernel, false);
    }
  }
  if (common().json) std::cout << all.dump(2) << '\n';
}

void run(const Options& o) {
  if (o.name.empty()) {
    throw std::invalid_argument("kernels run: name a kernel and a rung, such as conv2d/3");
  }
  const Card& card = find_card(o.card);
  const KernelResult result = run_kernel({o.name, parse_shape(o.shape), o.settings, o.type});
  if (common().json) {
    std::cout << to_json(result, card).dump(2) << '\n';
  } else {
    print(result, card);
    if (o.lines) print_lines(result);
  }
  std::cout.flush();
  if (!result.right || (result.counts && !result.counts->report.findings.empty())) {
    throw std::runtime_error(title(*result.kernel, *result.rung) +
                             (result.right ? " has faults" : " gives a wrong result"));
  }
}

}  // namespace

void add_kernels(CLI::App& app) {
  Verb verb =
      add_verb(app, "kernels",
               "List the GPU kernels with their rungs, or run one: is it right, and what does it "
               "ask of a card",
               {"tinct kernels", "tinct kernels conv2d --json",
                "tinct kernels run conv2d/1 --shape 1,16,16,64",
                "tinct kernels run conv2d/tensor_core --set stride=2 --card a100 --lines"});
  auto o = std::make_shared<Options>();
  verb.add_option("WHAT", o->what, "A kernel to describe, or run; default: all of them");
  verb.add_option("NAME", o->name,
                  "With run: a kernel and its rung by number or name; default: the last rung");
  verb.add_option("--shape", o->shape, "Its extents, the first of them or all")
      .type_name("N,H,W,C,...");
  verb.add_option("--set", o->settings, "Settings of the kernel, such as stride=2,2")
      .type_name("KEY=VALUE");
  verb.add_option("--type", o->type, "How numbers are stored; default: the rung's first")
      .one_of({"f32", "bf16"});
  verb.add_option("--card", o->card, "The card to model: h200, a100 or rtx4090").show_default();
  verb.add_flag("--lines", o->lines, "Also what each source line asks of memory");
#ifdef TINCT_STUDY_CHECKED
  simt::track_writes(false);  // until a kernel is run here: other verbs run unchecked ones
#endif
  verb.callback([o] {
    if (o->what == "run") return run(*o);
    if (!o->name.empty()) {
      throw std::invalid_argument("kernels: to run " + o->name + ", say tinct kernels run " +
                                  o->name);
    }
    list(o->what);
  });
}

}  // namespace tinct
