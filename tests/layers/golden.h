// Reading the golden files that the scripts in tests/golden/ make.
#pragma once

#include <string>

#include "core/safetensors.h"

namespace tinct::test {

/// The tensors of one case of a golden file: load("x") reads "case.x".
class Golden {
 public:
  Golden(const std::string& file, std::string name)
      : file_(std::string(TINCT_SOURCE_DIR) + "/tests/golden/" + file), case_(std::move(name)) {}
  Tensor load(const std::string& tensor) const { return file_.load(case_ + "." + tensor); }

 private:
  SafetensorsFile file_;
  std::string case_;
};

}  // namespace tinct::test
