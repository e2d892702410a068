// Convolutions for study: the ladder as kernels/conv/rungs.h has it, and the transposed ones.
#include <algorithm>
#include <stdexcept>

#include "kernels/conv/rungs.h"
#include "kernels/conv_transpose2d.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Kind = SettingKind;

const OpSetting kernel_size{"kernel", Kind::pair, "3", "h,w"};
const OpSetting stride{"stride", Kind::pair, "1", "h,w"};
const OpSetting dilation{"dilation", Kind::pair, "1", "h,w"};
const OpSetting activation_setting{"activation",
                                   Kind::choice,
                                   "none",
                                   "applied to the output by the same kernel",
                                   {"none", "relu", "leaky-relu", "sigmoid", "tanh"}};

Activation activation_of(const Problem& p) {
  return static_cast<Activation>(p.set.choice("activation"));
}

// --- The ladder.

Conv2dShape conv2d_shape(const Problem& p) {
  const auto [kh, kw] = p.set.pair("kernel");
  const auto [stride_h, stride_w] = p.set.pair("stride");
  const auto [dilation_h, dilation_w] = p.set.pair("dilation");
  const auto [top, left, bottom, right] = p.set.sides("pad");
  const Conv2dShape s{p[0],     p[1],       p[2],       p[3], p[4], kh,     kw,   stride_h,
                      stride_w, dilation_h, dilation_w, top,  left, bottom, right};
  s.check();
  return s;
}

constexpr const char* name_of(Conv2dPass pass) {
  switch (pass) {
    case Conv2dPass::forward:
      return "conv2d";
    case Conv2dPass::backward_data:
      return "conv2d_backward_data";
    case Conv2dPass::backward_weights:
      return "conv2d_backward_weights";
  }
  return "";
}

template <class T>
bool has(const Conv2dRung<T>& rung, Conv2dPass pass) {
  return pass == Conv2dPass::forward         ? rung.forward != nullptr
         : pass == Conv2dPass::backward_data ? rung.backward_data != nullptr
                                             : rung.backward_weights != nullptr;
}

// Every rung for tensors stored as T; those that multiply in tf32 come last.
template <class T>
std::vector<Conv2dRung<T>> ladder() {
  if constexpr (sizeof(T) == 2) {
    return {conv2d_rungs_bf16().begin(), conv2d_rungs_bf16().end()};
  } else {
    std::vector<Conv2dRung<T>> rungs(conv2d_rungs().begin(), conv2d_rungs().end());
    for (const Conv2dRung<T>& rung : conv2d_rungs_tf32()) {
      const bool known = std::any_of(rungs.begin(), rungs.end(), [&](const Conv2dRung<T>& r) {
        return std::string(r.name) == rung.name;
      });
      if (!known) rungs.push_back(rung);
    }
    return rungs;
  }
}

bool in_tf32(const std::string& rung) {
  return rung.find("tf32") != std::string::npos;
}

template <class T>
Conv2dRung<T> rung_of(Conv2dPass pass, const Problem& p, const Conv2dShape& s) {
  const auto rungs = ladder<T>();
  const auto found = std::find_if(rungs.begin(), rungs.end(), [&](const Conv2dRung<T>& rung) {
    return rung.name == p.rung.name;
  });
  if (found->supports(pass, s)) return *found;
  throw std::invalid_argument(std::string(name_of(pass)) + "/" + p.rung.name +
                              " does not compute this shape: " + p.rung.idea);
}

// x, w, bias, y; dy, w, dx; x, dy, dw, db: as the functions take them.
template <Conv2dPass kPass, class T>
Run conv2d_run(const Problem& p) {
  const Conv2dShape s = conv2d_shape(p);
  const Conv2dRung<T> rung = rung_of<T>(kPass, p, s);
  Run run{{}, 2.0 * static_cast<double>(s.macs()), tolerance<T>()};
  if constexpr (kPass == Conv2dPass::forward) {
    const Activation activation = activation_of(p);
    run.arrays = {in<T>("x", s.x_size()), in<T>("w", s.w_size()), in("bias", s.k),
                  out<T>("y", s.y_size())};
    TINCT_STUDY_CALLS(run, T, ref::conv2d, rung.forward, s, AT(0), AT(1), F32(2), activation,
                      AT(3));
  } else if constexpr (kPass == Conv2dPass::backward_data) {
    run.arrays = {in<T>("dy", s.y_size()), in<T>("w", s.w_size()), out<T>("dx", s.x_size())};
    TINCT_STUDY_CALLS(run, T, ref::conv2d_backward_data, rung.backward_data, s, AT(0), AT(1),
                      AT(2));
  } else {
    run.tolerance = 2e-5;  // dw and db are f32
    run.arrays = {in<T>("x", s.x_size()), in<T>("dy", s.y_size()), out("dw", s.w_size()),
                  out("db", s.k)};
    TINCT_STUDY_CALLS(run, T, ref::conv2d_backward_weights, rung.backward_weights, s, AT(0), AT(1),
                      F32(2), F32(3));
  }
  if (in_tf32(p.rung.name)) run.tolerance = 1e-3;  // operands have 11 bits
  // A library may multiply transformed numbers, and leaves dw in bf16.
  if (p.rung.name.rfind("cudnn", 0) == 0) run.tolerance = sizeof(T) == 2 ? 0x1p-7 : 5e-5;
  return run;
}

// Shapes with few channels on one side, for the rungs that need them.
std::vector<std::size_t> shape_for(const std::string& rung) {
  if (rung == "first_layer") return {1, 32, 64, 3, 64};
  if (rung == "few_outputs") return {1, 32, 64, 64, 2};
  return {};
}

template <class T>
void add_rungs(Conv2dPass pass, std::vector<Rung>& to) {
  for (const Conv2dRung<T>& rung : ladder<T>()) {
    if (!has(rung, pass)) continue;
    const auto known =
        std::find_if(to.begin(), to.end(), [&](const Rung& r) { return r.name == rung.name; });
    if (known != to.end()) {
      known->types.push_back(stored_as<T>());
      continue;
    }
    const std::string name = rung.name;
    if (name.rfind("cudnn", 0) == 0) {
      to.push_back(
          {rung.number, name, name, "kernels/vendor/cudnn.cpp", rung.idea, {stored_as<T>()}});
      continue;
    }
    // Where a rung's weight gradient is a kernel of its own, so is its file.
    const std::string stem = name == "register_tiles_tf32" ? "register_tiles" : name;
    const bool own_file =
        pass == Conv2dPass::backward_weights && (stem == "register_tiles" || stem == "tensor_core");
    to.push_back({rung.number,
                  name,
                  std::string(name_of(pass)) + "_" + (stem == name ? name : "tf32"),
                  "kernels/conv/" + stem + (own_file ? "_weights" : "") + ".cu",
                  rung.idea,
                  {stored_as<T>()},
                  shape_for(name)});
  }
}

template <Conv2dPass kPass>
Kernel conv2d_kernel(const char* summary) {
  Kernel kernel{name_of(kPass),
                summary,
                {{"n", 1}, {"h", 16}, {"w", 16}, {"c", 64}, {"k", 64}},
                {kernel_size, stride, dilation, {"pad", Kind::sides, "1", "rows and columns"}},
                {},
                [](const Problem& p) {
                  return p.stored == Stored::bf16 ? conv2d_run<kPass, bf16>(p)
                                                  : conv2d_run<kPass, float>(p);
                }};
  if (kPass == Conv2dPass::forward) kernel.settings.push_back(activation_setting);
  add_rungs<float>(kPass, kernel.rungs);
  add_rungs<bf16>(kPass, kernel.rungs);
  std::sort(kernel.rungs.begin(), kernel.rungs.end(), [](const Rung& a, const Rung& b) {
    return std::pair(a.number, in_tf32(a.name)) < std::pair(b.number, in_tf32(b.name));
  });
  return kernel;
}

// --- Transposed.

ConvTranspose2dShape transposed_shape(const Problem& p) {
  const auto [kh, kw] = p.set.pair("kernel");
  const auto [stride_h, stride_w] = p.set.pair("stride");
  const auto [dilation_h, dilation_w] = p.set.pair("dilation");
  const auto [top, left, bottom, right] = p.set.sides("pad");
  const ConvTranspose2dShape s{p[0],     p[1],       p[2],       p[3], p[4], kh,     kw,   stride_h,
                               stride_w, dilation_h, dilation_w, top,  left, bottom, right};
  s.check();
  return s;
}

Run start(const ConvTranspose2dShape& s, double tolerance) {
  return {{}, 2.0 * static_cast<double>(s.x_size() * s.k * s.kh * s.kw), tolerance};
}

template <class T>
Run transposed(const Problem& p) {
  const ConvTranspose2dShape s = transposed_shape(p);
  const Activation activation = activation_of(p);
  Run run = start(s, tolerance<T>());
  run.arrays = {in<T>("x", s.x_size()), in<T>("w", s.w_size()), in("bias", s.k),
                out<T>("y", s.y_size())};
  TINCT_STUDY_CALLS(run, T, ref::conv_transpose2d, conv_transpose2d, s, AT(0), AT(1), F32(2),
                    activation, AT(3));
  return run;
}

template <class T>
Run transposed_backward_data(const Problem& p) {
  const ConvTranspose2dShape s = transposed_shape(p);
  Run run = start(s, tolerance<T>());
  run.arrays = {in<T>("dy", s.y_size()), in<T>("w", s.w_size()), out<T>("dx", s.x_size())};
  TINCT_STUDY_CALLS(run, T, ref::conv_transpose2d_backward_data, conv_transpose2d_backward_data, s,
                    AT(0), AT(1), AT(2));
  return run;
}

template <class T>
Run transposed_backward_weights(const Problem& p) {
  const ConvTranspose2dShape s = transposed_shape(p);
  Run run = start(s, 2e-5);
  run.arrays = {in<T>("x", s.x_size()), in<T>("dy", s.y_size()), out("dw", s.w_size()),
                out("db", s.k)};
  TINCT_STUDY_CALLS(run, T, ref::conv_transpose2d_backward_weights,
                    conv_transpose2d_backward_weights, s, AT(0), AT(1), F32(2), F32(3));
  return run;
}

Kernel transposed_kernel(const char* name, const char* summary,
                         std::function<Run(const Problem&)> prepare) {
  return {name,
          summary,
          {{"n", 1}, {"h", 8}, {"w", 8}, {"c", 64}, {"k", 32}},
          {{"kernel", Kind::pair, "4", "h,w"},
           {"stride", Kind::pair, "2", "h,w"},
           dilation,
           {"pad", Kind::sides, "1", "rows and columns that are cropped"},
           activation_setting},
          {only(name, "conv_transpose2d.cu",
                "the phases of a data gradient as correlations, on the tiles of rungs 3 and 4",
                both_types)},
          std::move(prepare)};
}

}  // namespace

void add_convolutions(std::vector<Kernel>& list) {
  list.push_back(conv2d_kernel<Conv2dPass::forward>("activation(conv(x, w) + bias)"));
  list.push_back(conv2d_kernel<Conv2dPass::backward_data>("the gradient of a convolution's input"));
  list.push_back(conv2d_kernel<Conv2dPass::backward_weights>(
      "the gradients of a convolution's filter and bias"));
  list.push_back(transposed_kernel("conv_transpose2d", "activation(transposed convolution + bias)",
                                   TINCT_STUDY_BY_TYPE(transposed)));
  list.push_back(transposed_kernel("conv_transpose2d_backward_data",
                                   "the gradient of a transposed convolution's input",
                                   TINCT_STUDY_BY_TYPE(transposed_backward_data)));
  list.push_back(transposed_kernel("conv_transpose2d_backward_weights",
                                   "the gradients of a transposed convolution's filter and bias",
                                   TINCT_STUDY_BY_TYPE(transposed_backward_weights)));
}

}  // namespace tinct::gpu
