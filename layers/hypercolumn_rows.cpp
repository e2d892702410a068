// A hypercolumn convolution forward on the CPU, a few rows of the output at a time.
#include "layers/hypercolumn_rows.h"

#include "core/memory.h"

namespace tinct::hypercolumn {
namespace {

// Fills rows of a picture of y from the maps of full size; without any, with the bias.
class FullRows {
 public:
  FullRows(const Plan& plan, const std::vector<Value>& maps, const Tensor& w, const float* bias)
      : plan_(plan), maps_(maps), bias_(bias) {
    if (!plan.full.empty()) {
      packed_ = cpu::pack_weights(plan.full_conv(), full_weights(plan, w).f32());
    }
  }

  void operator()(std::size_t picture, std::size_t begin, std::size_t end, float* y) const {
    if (plan_.full.empty()) return fill_bias((end - begin) * plan_.ow, y);
    const std::size_t half = plan_.kernel / 2;
    const std::size_t first = begin - std::min(begin, half);
    const std::size_t last = std::min(end + half, plan_.oh);
    Conv2dShape s = plan_.full_conv();
    s.n = 1;
    s.h = last - first;
    s.pad_top = first + half - begin;
    s.pad_bottom = end + half - last;
    with_joined(picture * plan_.oh + first, s.h,
                [&](const float* x) { cpu::conv2d(s, x, packed_, bias_, Activation::none, y); });
  }

 private:
  // Calls f(`count` rows from `first` on, of all pictures, the maps side by side).
  template <class F>
  void with_joined(std::size_t first, std::size_t count, const F& f) const {
    const auto rows_of = [&](const Part& part) {
      return maps_[part.index].data().f32() + first * plan_.ow * part.shape.c;
    };
    if (plan_.full.size() == 1) return f(rows_of(plan_.full[0]));
    Workspace<float> x(count * plan_.ow * plan_.full_channels);
    for_full_parts(plan_, [&](const Part& part, std::size_t at) {
      const std::size_t c = part.shape.c;
      cpu::copy_columns({count * plan_.ow, c, c, 0, plan_.full_channels, at}, rows_of(part),
                        x.data());
    });
    f(x.data());
  }

  void fill_bias(std::size_t pixels, float* y) const {
    if (bias_ == nullptr) {
      std::fill_n(y, pixels * plan_.k, 0.0f);
    } else {
      cpu::copy_columns({pixels, plan_.k, 0, 0, plan_.k, 0}, bias_, y);
    }
  }

  const Plan& plan_;
  const std::vector<Value>& maps_;
  const float* bias_;
  cpu::PackedWeights packed_;
};

// The products of one small map and a block of output channels.
class Products {
 public:
  Products(const Plan& plan, const Part& part, std::size_t first, const Tensor& w)
      : plan_(plan), part_(part), block_(plan.block(first)) {
    const Shape& m = part.shape;
    Tensor plain({1, 1, 1, plan.taps() * block_ * m.c});
    copy_product_weights(plan, part, first, w.f32(), plain.f32());
    // While a row after the other is made, the weights must stay in the second cache.
    constexpr std::size_t kMostWeights = std::size_t{1} << 20;  // bytes
    if (plain.size() * sizeof(float) > kMostWeights) {
      shape_ = plan.products(part, block_);
      packed_.push_back(cpu::pack_weights(shape_, plain.f32()));
      all_ = Tensor({1, m.h, m.w, shape_.k});
      return;
    }
    shape_ = {1, 1, m.w, m.c, plan.kernel * block_};
    for (std::size_t t = 0; t < plan.kernel; ++t) {
      packed_.push_back(cpu::pack_weights(shape_, plain.f32() + t * shape_.w_size()));
    }
  }

  // Those of the picture at x.
  ShiftedProducts of(const float* x) const {
    const ShiftedUpsample sum = plan_.sum(part_, block_);
    if (all_.defined()) {
      cpu::conv2d(shape_, x, packed_[0], nullptr, Activation::none, all_.f32());
      return {sum, all_.f32(), {}};
    }
    return {sum, nullptr, [this, x](std::size_t row, std::size_t tap_row, float* to) {
              cpu::conv2d(shape_, x + row * shape_.x_size(), packed_[tap_row], nullptr,
                          Activation::none, to);
            }};
  }

 private:
  const Plan& plan_;
  const Part& part_;
  std::size_t block_;
  Conv2dShape shape_;                       // of all products, or of a row and a row of taps
  std::vector<cpu::PackedWeights> packed_;  // for all, or for each row of taps
  mutable Tensor all_;                      // undefined where rows are made one by one
};

}  // namespace

Tensor forward_by_rows(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
                       const float* bias) {
  Tensor y({plan.n, plan.oh, plan.ow, plan.k});
  const FullRows full(plan, maps, w, bias);
  for (std::size_t first = 0; first < plan.k; first += kBlock) {
    std::vector<Products> products;
    for (const Part& part : plan.small) products.emplace_back(plan, part, first, w);
    for (std::size_t i = 0; i < plan.n; ++i) {
      std::vector<ShiftedProducts> sums;
      for (std::size_t p = 0; p < products.size(); ++p) {
        const Part& part = plan.small[p];
        sums.push_back(products[p].of(maps[part.index].data().f32() + i * part.picture()));
      }
      FillRows fill;  // the first block's, for all channels
      if (first == 0) {
        fill = [&, i](std::size_t begin, std::size_t end, float* rows) {
          full(i, begin, end, rows);
        };
      }
      cpu::add_shifted_upsamples(sums, fill, y.f32() + i * plan.oh * plan.ow * plan.k + first);
    }
  }
  return y;
}

}  // namespace tinct::hypercolumn
