// Losses and sums for study: value and gradient in one kernel.
#include "kernels/ab_bins.h"
#include "kernels/blurred_euclidean.h"
#include "kernels/pixel_loss.h"
#include "kernels/softmax_cross_entropy.h"
#include "kernels/sum_of_squares.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Kind = SettingKind;

double plain_sum_of_squares(std::size_t count, const float* x) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += double{x[i]} * double{x[i]};
  return sum;
}

Run squares(const Problem& p) {
  using Sum = double (*)(std::size_t, const float*);
  constexpr Sum kRungs[] = {sum_of_squares_tree, sum_of_squares_shuffle, sum_of_squares};
  const Sum rung = kRungs[p.rung.number - 1];
  const std::size_t count = p[0];
  Run run{{in("x", count)}, 2.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, plain_sum_of_squares, rung, count, AT(0));
  return run;
}

Run softmax(const Problem& p) {
  using Loss = double (*)(const SoftmaxShape&, const float*, const float*, const float*,
                          const float*, float*);
  constexpr Loss kRungs[] = {softmax_cross_entropy_naive, softmax_cross_entropy_warp,
                             softmax_cross_entropy};
  const Loss rung = kRungs[p.rung.number - 1];
  const SoftmaxShape s{p[0], p[1], p[2]};
  const std::size_t logits = s.pixels * s.bins;
  // Pairs of a pixel name different bins.
  ArraySpec index = in("index", s.pixels * s.neighbours);
  index.draw = [s](std::size_t i, float) {
    return static_cast<float>((i / s.neighbours * 31 + i % s.neighbours * 7) % s.bins);
  };
  Run run{{in("logits", logits, -4, 4), index,
           in("target", s.neighbours == 0 ? logits : s.pixels * s.neighbours, 0, 1),
           in("class_weight", s.bins, 0.5, 2), out("gradient", logits)},
          7.0 * static_cast<double>(logits)};
  TINCT_STUDY_CALLS(run, float, ref::softmax_cross_entropy, rung, s, AT(0),
                    s.neighbours == 0 ? nullptr : AT(1), AT(2), AT(3), AT(4));
  return run;
}

Run blurred(const Problem& p) {
  using Loss = double (*)(const BlurredEuclidean&, const float*, const float*, float*);
  constexpr Loss kRungs[] = {blurred_euclidean_composed, blurred_euclidean_tiles,
                             blurred_euclidean};
  const Loss rung = kRungs[p.rung.number - 1];
  BlurredEuclidean loss{{p[0], p[1], p[2], p[3]}, {}};
  std::size_t taps = 0;
  for (const std::size_t size : p.set.counts("taps")) {
    loss.taps.push_back(gaussian_taps(size, kDahlSigma));
    taps += size;
  }
  const std::size_t count = loss.shape.size();
  Run run{{in("prediction", count), in("target", count), out("gradient", count)},
          (8.0 * static_cast<double>(taps) + 5) * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::blurred_euclidean, rung, loss, AT(0), AT(1), AT(2));
  return run;
}

Run elements(const Problem& p) {
  const PixelLoss loss{static_cast<Penalty>(p.set.choice("penalty")), p[0], p[1], 1};
  const std::size_t count = p[0] * p[1];
  // Cross-entropy wants targets in 0..1, which will do for the others.
  Run run{{in("prediction", count), in("target", count, 0, 1), in("weight", p[0], 0, 1),
           out("gradient", count)},
          4.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::pixel_loss, pixel_loss, loss, AT(0), AT(1), AT(2), AT(3));
  return run;
}

// --- Colour as classes.

ArraySpec bins_array(const std::vector<float>& bins) {
  ArraySpec spec = in("bins", bins.size());
  spec.draw = [bins](std::size_t i, float) { return bins[i]; };
  return spec;
}

Run encoded(const Problem& p) {
  const std::vector<float> bins = zhang_bins();
  const std::size_t q = bins.size() / 2, pixels = p[0], k = p.set.count("neighbours");
  Run run{{bins_array(bins), in("ab", 2 * pixels, -80, 80), out("index", pixels * k),
           out("weight", pixels * k)},
          5.0 * static_cast<double>(pixels * q)};
  TINCT_STUDY_CALLS(run, float, cpu::soft_encode, soft_encode, q, AT(0), pixels, AT(1), k, 5.0,
                    AT(2), AT(3));
  return run;
}

Run decoded(const Problem& p) {
  const std::vector<float> bins = zhang_bins();
  const std::size_t q = bins.size() / 2, pixels = p[0];
  Run run{{bins_array(bins), in("logits", pixels * q, -4, 4), out("ab", 2 * pixels)},
          7.0 * static_cast<double>(pixels * q)};
  TINCT_STUDY_CALLS(run, float, cpu::annealed_mean, annealed_mean, q, AT(0), pixels, AT(1), 0.38f,
                    AT(2));
  return run;
}

void add_sums(std::vector<Kernel>& list) {
  list.push_back(
      {"sum_of_squares",
       "a reduction in its plainest form",
       {{"count", 65536}},
       {},
       {{1, "tree", "sum_of_squares_tree", "kernels/sum_of_squares.cu",
         "a tree in shared memory, active threads further and further apart"},
        {2, "shuffle", "sum_of_squares_shuffle", "kernels/sum_of_squares.cu", "trees of shuffles"},
        {3, "vectors", "sum_of_squares", "kernels/sum_of_squares.cu",
         "vectors of four, many a thread, before the shuffles"}},
       squares});
}

void add_pixel_losses(std::vector<Kernel>& list) {
  list.push_back({"pixel_loss",
                  "the mean penalty of a difference, and its gradient",
                  {{"pixels", 16384}, {"channels", 2}},
                  {{"penalty", Kind::choice, "l2", "", {"l1", "l2", "huber", "bce"}}},
                  {only("pixel_loss", "pixel_loss.cu", "value and gradient in one pass")},
                  elements});
  list.push_back({"blurred_euclidean",
                  "the squared difference at several blurs, and its gradient",
                  {{"n", 1}, {"h", 32}, {"w", 32}, {"c", 2}},
                  {{"taps", Kind::counts, "3,5", "of each blur, odd"}},
                  {{1, "composed", "blurred_euclidean_composed",
                    "kernels/blurred_euclidean_composed.cu", "a kernel a step, over whole maps"},
                   {2, "tiles", "blurred_euclidean_tiles", "kernels/blurred_euclidean.cu",
                    "one kernel over tiles and their margins in shared memory"},
                   {3, "runs", "blurred_euclidean", "kernels/blurred_euclidean.cu",
                    "runs of rows blurred down together"}},
                  blurred});
}

void add_classes(std::vector<Kernel>& list) {
  list.push_back(
      {"softmax_cross_entropy",
       "the loss of bins with soft targets, and its gradient",
       {{"pixels", 256}, {"bins", 313}, {"neighbours", 5}},
       {},
       {{1, "naive", "softmax_cross_entropy_naive", "kernels/softmax_cross_entropy_rungs.cu",
         "a thread a pixel: eight times the sectors it uses"},
        {2, "warp", "softmax_cross_entropy_warp", "kernels/softmax_cross_entropy_rungs.cu",
         "a warp a pixel, three passes over its row"},
        {3, "registers", "softmax_cross_entropy", "kernels/softmax_cross_entropy.cu",
         "a row in the registers of some lanes, read once"}},
       softmax});
  list.push_back({"soft_encode",
                  "the nearest of 313 bins of colours, with weights",
                  {{"pixels", 256}},
                  {{"neighbours", Kind::count, "5", ""}},
                  {only("soft_encode", "ab_bins.cu", "the nearest so far in shared memory")},
                  encoded});
  list.push_back({"annealed_mean",
                  "the mean colour of 313 bins under a sharpened softmax",
                  {{"pixels", 256}},
                  {},
                  {only("annealed_mean", "ab_bins.cu", "a warp a pixel, the logits read once")},
                  decoded});
}

}  // namespace

void add_losses(std::vector<Kernel>& list) {
  add_sums(list);
  add_pixel_losses(list);
  add_classes(list);
}

}  // namespace tinct::gpu
