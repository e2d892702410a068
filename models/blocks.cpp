// The blocks that the networks are made of.
#include "models/blocks.h"

#include "layers/add.h"
#include "layers/average_pool.h"
#include "layers/nearest_upsample.h"

namespace tinct {

Value ConvBlock::operator()(const Value& x, const Mode& mode) const {
  return norm(conv(x), mode, Activation::relu);
}

void ConvBlock::collect(Parameters& out, const std::string& prefix) const {
  conv.collect(out, prefix + ".conv");
  norm.collect(out, prefix + ".norm");
}

ConvBlock make_conv_block(std::size_t in, std::size_t out, std::size_t kernel, std::size_t stride,
                          Initializer& init) {
  return {make_conv2d(in, out, kernel, same_padding(kernel, stride), /*with_bias=*/false, init),
          make_batch_norm(out)};
}

Value GlobalContext::operator()(const Value& x) const {
  const Value scene = expand(squeeze(global_average_pool(x)));
  return add(x, nearest_upsample(scene, x.shape().h, x.shape().w));
}

void GlobalContext::collect(Parameters& out, const std::string& prefix) const {
  squeeze.collect(out, prefix + ".squeeze");
  expand.collect(out, prefix + ".expand");
}

GlobalContext make_global_context(std::size_t channels, Initializer& init) {
  Conv2dOptions rectified;
  rectified.activation = Activation::relu;
  return {make_conv2d(channels, channels / 2, 1, rectified, /*with_bias=*/true, init),
          make_conv2d(channels / 2, channels, 1, {}, /*with_bias=*/true, init)};
}

}  // namespace tinct
