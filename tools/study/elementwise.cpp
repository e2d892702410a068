// Element by element: activations, sums, copies, dropout; and columns of matrices.
#include "kernels/activation.h"
#include "kernels/add.h"
#include "kernels/cast.h"
#include "kernels/columns.h"
#include "kernels/concat.h"
#include "kernels/dropout.h"
#include "kernels/move_towards.h"
#include "kernels/scale.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Kind = SettingKind;

const OpSetting kind_setting{
    "kind", Kind::choice, "relu", "", {"none", "relu", "leaky-relu", "sigmoid", "tanh"}};

Activation kind_of(const Problem& p) {
  return static_cast<Activation>(p.set.choice("kind"));
}

double flops(std::size_t count, double each) {
  return static_cast<double>(count) * each;
}

template <class T>
Run forward_activation(const Problem& p) {
  const Activation kind = kind_of(p);
  const std::size_t count = p[0];
  Run run{{in<T>("x", count), out<T>("y", count)}, flops(count, 1), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::activation, activation, kind, count, AT(0), AT(1));
  return run;
}

template <class T>
Run backward_activation(const Problem& p) {
  const Activation kind = kind_of(p);
  const std::size_t count = p[0];
  Run run{{in<T>("y", count, 0, 1), in<T>("dy", count), out<T>("dx", count)},
          flops(count, 2),
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::activation_backward, activation_backward, kind, count, AT(0),
                    AT(1), AT(2));
  return run;
}

template <class T>
Run sum(const Problem& p) {
  const std::size_t count = p[0];
  Run run{
      {in<T>("a", count), in<T>("b", count), out<T>("y", count)}, flops(count, 2), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::add, add, count, AT(0), AT(1), Activation::relu, AT(2));
  return run;
}

template <class T>
Run scaled(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{in<T>("x", count), out<T>("y", count)}, flops(count, 1), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::scale, scale, count, 0.75f, AT(0), AT(1));
  return run;
}

Run shifted(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{in("x", count), out("y", count)}, 2.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, cpu::scale_shift, scale_shift, count, 0.02f, -1.0f, AT(0), AT(1));
  return run;
}

void rounded(std::size_t count, const float* x, float* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = to_float(to_bf16(x[i]));
}
void to_bf16s(std::size_t count, const float* x, bf16* y) {
  cast(count, x, y);
}

Run narrowed(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{in("x", count), out<bf16>("y", count)}, 0, 0};
  TINCT_STUDY_CALLS(run, bf16, rounded, to_bf16s, count, F32(0), AT(1));
  return run;
}

template <class T>
Run side_by_side(const Problem& p) {
  const std::size_t rows = p[0], c = p[1], c2 = p[2];
  Run run{{in<T>("x", rows * c), in<T>("x2", rows * c2), out<T>("y", rows * (c + c2))},
          0,
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::concat, concat, rows, {{AT(0), c}, {AT(1), c2}}, AT(2));
  return run;
}

template <class T>
Run apart(const Problem& p) {
  const std::size_t rows = p[0], c = p[1], c2 = p[2];
  Run run{{in<T>("dy", rows * (c + c2)), out<T>("dx", rows * c), out<T>("dx2", rows * c2)},
          0,
          tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::concat_backward, concat_backward, rows, AT(0),
                    {{AT(1), c}, {AT(2), c2}});
  return run;
}

template <class T>
Run dropped(const Problem& p) {
  const std::size_t count = p[0];
  const Random random(1, Purpose::dropout);
  Run run{{in<T>("x", count), out<T>("y", count)}, flops(count, 1), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::dropout, dropout, random, 0.5f, count, AT(0), AT(1));
  return run;
}

template <class T>
Run dropped_channels(const Problem& p) {
  const std::size_t n = p[0], pixels = p[1], c = p[2], count = n * pixels * c;
  const Random random(1, Purpose::dropout);
  Run run{{in<T>("x", count), out<T>("y", count)}, flops(count, 1), tolerance<T>()};
  TINCT_STUDY_CALLS(run, T, ref::channel_dropout, channel_dropout, random, 0.5f, n, pixels, c,
                    AT(0), AT(1));
  return run;
}

Run moved(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{in("x", count), updated("running", count)}, flops(count, 3)};
  TINCT_STUDY_CALLS(run, float, cpu::move_towards, move_towards, count, AT(0), 0.1f, 1.0, AT(1));
  return run;
}

// The second half of wide rows to the first half of narrow ones.
Columns columns_of(const Problem& p) {
  return {p[0], p[1], 2 * p[1], p[1], p[1], 0};
}

Run copied_columns(const Problem& p) {
  const Columns c = columns_of(p);
  Run run{{in("in", c.rows * c.in_wide), out("out", c.rows * c.out_wide)}};
  TINCT_STUDY_CALLS(run, float, cpu::copy_columns, copy_columns, c, AT(0), AT(1));
  return run;
}

Run added_columns(const Problem& p) {
  const Columns c = columns_of(p);
  Run run{{in("in", c.rows * c.in_wide), updated("out", c.rows * c.out_wide)},
          flops(c.rows * c.count, 1)};
  TINCT_STUDY_CALLS(run, float, cpu::add_columns, add_columns, c, AT(0), AT(1));
  return run;
}

Run summed_rows(const Problem& p) {
  const std::size_t rows = p[0], columns = p[1];
  Run run{{in("from", rows * columns), out("to", columns)}, flops(rows * columns, 1)};
  TINCT_STUDY_CALLS(run, float, cpu::sum_rows, sum_rows, rows, columns, AT(0), AT(1));
  return run;
}

const std::vector<study::Extent> count_shape = {{"count", 65536}};
const std::vector<study::Extent> matrix_shape = {{"rows", 512}, {"columns", 64}};
constexpr const char* kPacks = "a thread 16 bytes at a time, grid-stride";

void add_maps(std::vector<Kernel>& list) {
  list.push_back({"activation",
                  "relu, leaky relu, sigmoid or tanh of each element",
                  count_shape,
                  {kind_setting},
                  {only("activation", "activation.cu", kPacks, both_types)},
                  TINCT_STUDY_BY_TYPE(forward_activation)});
  list.push_back({"activation_backward",
                  "dy times the activation's slope, told from its output",
                  count_shape,
                  {kind_setting},
                  {only("activation_backward", "activation.cu", kPacks, both_types)},
                  TINCT_STUDY_BY_TYPE(backward_activation)});
  list.push_back({"add",
                  "relu(a + b)",
                  count_shape,
                  {},
                  {only("add", "add.cu", kPacks, both_types)},
                  TINCT_STUDY_BY_TYPE(sum)});
  list.push_back({"scale",
                  "0.75 x",
                  count_shape,
                  {},
                  {only("scale", "scale.cu", kPacks, both_types)},
                  TINCT_STUDY_BY_TYPE(scaled)});
  list.push_back({"scale_shift",
                  "an array times a number, and another added",
                  count_shape,
                  {},
                  {only("scale_shift", "scale.cu", kPacks)},
                  shifted});
  list.push_back({"cast",
                  "f32 to bf16, to the nearest",
                  count_shape,
                  {},
                  {only("cast", "cast.cu", "16 bytes of one side a thread, 8 of the other")},
                  narrowed});
  list.push_back({"move_towards",
                  "running += momentum (x - running)",
                  {{"count", 1024}},
                  {},
                  {only("move_towards", "move_towards.cu", "a thread an element")},
                  moved});
}

void add_dropouts(std::vector<Kernel>& list) {
  list.push_back(
      {"dropout",
       "half of the elements to zero, the others doubled",
       count_shape,
       {},
       {only("dropout", "dropout.cu", "a Philox block a thread: nothing is stored", both_types)},
       TINCT_STUDY_BY_TYPE(dropped)});
  list.push_back({"channel_dropout",
                  "whole channels to zero",
                  {{"n", 4}, {"pixels", 256}, {"c", 64}},
                  {},
                  {only("channel_dropout", "dropout.cu", "a word a channel, drawn where it is used",
                        both_types)},
                  TINCT_STUDY_BY_TYPE(dropped_channels)});
}

void add_columns_of_matrices(std::vector<Kernel>& list) {
  list.push_back({"concat",
                  "x and x2 side by side in the channels",
                  {{"rows", 1024}, {"c", 32}, {"c2", 64}},
                  {},
                  {only("concat", "concat.cu", "one launch for up to eight inputs", both_types)},
                  TINCT_STUDY_BY_TYPE(side_by_side)});
  list.push_back(
      {"concat_backward",
       "dy taken apart",
       {{"rows", 1024}, {"c", 32}, {"c2", 64}},
       {},
       {only("concat_backward", "concat.cu", "one launch for up to eight outputs", both_types)},
       TINCT_STUDY_BY_TYPE(apart)});
  list.push_back({"copy_columns",
                  "columns of a wide matrix to a narrow one",
                  matrix_shape,
                  {},
                  {only("copy_columns", "columns.cu", "lanes on neighbouring columns")},
                  copied_columns});
  list.push_back({"add_columns",
                  "the same, added",
                  matrix_shape,
                  {},
                  {only("add_columns", "columns.cu", "lanes on neighbouring columns")},
                  added_columns});
  list.push_back({"sum_rows",
                  "the sum of a matrix over its rows",
                  matrix_shape,
                  {},
                  {only("sum_rows", "conv/sums.cu", "slabs of rows, added in their order")},
                  summed_rows});
}

}  // namespace

void add_elementwise(std::vector<Kernel>& list) {
  add_maps(list);
  add_dropouts(list);
  add_columns_of_matrices(list);
}

}  // namespace tinct::gpu
