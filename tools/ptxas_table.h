// What ptxas makes of every kernel: kernels/ptxas.tsv, compiled into the program.
#pragma once

#include <string>
#include <vector>

namespace tinct {

/// One kernel, compiled for ptxas_architecture().
struct PtxasRow {
  std::string file;                                  ///< "kernels/activation.cu"
  std::string kernel;                                ///< "forward<0, float>"
  int registers = 0;                                 ///< a thread
  int spill_stores = 0, spill_loads = 0, stack = 0;  ///< bytes a thread
  int shared = 0;                                    ///< static, bytes a block
};

/// The file as text.
const char* ptxas_text();
/// "sm_80".
std::string ptxas_architecture();
const std::vector<PtxasRow>& ptxas_table();

/// "void tinct::gpu::(anonymous namespace)::forward<(tinct::Activation)0, float>(int)" as the table
/// has it.
std::string short_kernel_name(std::string name);
/// The row of a kernel by its short name, or null. Of several files that have the name the first of
/// `files` counts; without one of these, their figures must agree.
const PtxasRow* find_ptxas_row(const std::string& kernel, const std::vector<std::string>& files);

}  // namespace tinct
