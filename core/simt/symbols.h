// What the running program's symbol table knows: shared arrays and the names of functions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tinct::simt {

/// A thread-local array: a __shared__ one, when a kernel touches it.
struct SharedArray {
  std::string name;
  std::size_t offset = 0, bytes = 0;  ///< within thread_locals()
};
/// All of the program's, by offset; empty when it has been stripped of its symbols.
const std::vector<SharedArray>& shared_arrays();

/// The full name of the function there; "?" when the program has been stripped.
std::string function_name(const void* function);

}  // namespace tinct::simt
