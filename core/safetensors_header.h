// The JSON header of a safetensors file: parsed strictly, checked whole before anything is
// allocated for the data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/safetensors.h"

namespace tinct {

struct SafetensorsHeader {
  Metadata metadata;
  std::vector<TensorEntry> entries;  ///< sorted by offset
};

/// Bytes of one element of a dtype name; 0 for a name that is not read.
std::size_t safetensors_element_size(const std::string& dtype);

/// `json` is the header's text, `data_bytes` the length of what follows it in the file. Throws
/// WeightsError whose text is the offset within the file and the reason (the caller adds the file's
/// name).
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes);

/// `text` as a JSON string, quoted and escaped.
std::string json_quote(std::string_view text);

}  // namespace tinct
