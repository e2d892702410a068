// Weights in fewer bytes than they are computed with: 16-bit floats, or 8-bit whole numbers with a
// scale for each output channel.
#pragma once

#include <string>
#include <utility>

#include "core/safetensors.h"
#include "layers/module.h"

namespace tinct {

/// How a file holds the weights of convolutions and fully connected layers. Biases, normalisation
/// and tables are always f32.
enum class Storage {
  f32,
  f16,  ///< IEEE binary16, rounded to nearest: relative error up to 2^-11
  i8,   ///< "I8" whole numbers q of -127..127 and, as NAME.scale, one f32 s for each of the first
        ///< extent's slices: q s, s = max |w| / 127, so the error is up to s / 2
};
const char* to_string(Storage storage);
/// Throws std::invalid_argument for another name than "f32", "f16" and "i8".
Storage parse_storage(const std::string& name);

/// The scales' name.
std::string scale_name(const std::string& tensor);

/// A tensor (out,kh,kw,in) as whole numbers and their scales (1,1,1,out).
std::pair<Tensor, Tensor> quantise_rows(const Tensor& weights);

/// Reads a tensor as SafetensorsFile::load does, multiplied by its scales when it is I8 and has
/// some. Throws WeightsError when there are not as many scales as output channels, or one is not a
/// positive number; and as load does.
Tensor load_stored(const SafetensorsFile& file, const std::string& name);

/// Writes parameters and buffers. Throws IoError, and std::invalid_argument for a weight that the
/// storage does not hold.
void write_stored(const std::string& path, const Parameters& parameters, const Metadata& metadata,
                  Storage storage);

}  // namespace tinct
