// A vendor's shared library, opened at run time: programs link none, and start where there is none.
#pragma once

#include <string>
#include <vector>

namespace tinct::vendor {

/// Looked for where the loader looks, then in the folders of $TINCT_CUDA_LIBRARIES (separated by
/// colons), and in nvidia/*/lib of each, which is how Python's site-packages hold such libraries.
/// TINCT_CUDA_LIBRARIES=none opens nothing. Once open it stays.
class Library {
 public:
  /// Opens `name` ("libcudnn.so.9"). `companions`, which it opens by name itself, are opened first
  /// where they can be found.
  explicit Library(std::string name, const std::vector<std::string>& companions = {});
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Why it cannot be used, in a line; empty when it can.
  const std::string& problem() const { return problem_; }
  /// Null, and a problem from then on, when the library has no such function.
  template <class Function>
  Function function(const char* symbol) {
    return reinterpret_cast<Function>(find(symbol));
  }

 private:
  void* find(const char* symbol);

  std::string name_, problem_;
  void* handle_ = nullptr;
};

}  // namespace tinct::vendor
