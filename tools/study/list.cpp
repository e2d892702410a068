// The list of kernels, put together.
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

std::vector<Kernel> make_list() {
  std::vector<Kernel> list;
  add_convolutions(list);
  add_matrix_products(list);
  add_elementwise(list);
  add_pooling(list);
  add_resizing(list);
  add_batch_norm(list);
  add_losses(list);
  add_steps(list);
  add_colour(list);
  return list;
}

}  // namespace

const std::vector<Kernel>& kernel_list() {
  static const std::vector<Kernel> list = make_list();
  return list;
}

}  // namespace tinct::gpu
