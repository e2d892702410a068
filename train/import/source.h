// Weights files of other libraries: tensors by name, in an order that means something. Nothing in
// a file is ever run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tinct {

/// A tensor inside a file that is held in memory.
struct SourceTensor {
  std::string name;
  std::vector<std::size_t> extents;  ///< any rank; empty for a scalar
  std::vector<std::size_t> strides;  ///< in elements, one an extent
  std::string dtype;                 ///< as in safetensors: "F32", "F16", "BF16", "F64", "I64", …
  std::string_view bytes;            ///< from the first element to the last, little-endian
  std::string role;    ///< "weight", "bias", "gamma", "beta", "mean", "variance"; "" if unknown
  double epsilon = 0;  ///< what its batch norm adds to a variance; 0 where the file does not say
};

/// What a list of tensors says about the network's order.
enum class SourceOrder {
  network,  ///< the tensors come as the network uses them
  none,     ///< they come sorted or by chance; only names can tell
};

struct Source {
  std::string format;  ///< "PyTorch (zip)"
  SourceOrder order = SourceOrder::network;
  std::vector<SourceTensor> tensors;
  std::string preprocessing;        ///< what the format implies, as Preprocessing's names; or ""
  double epsilon = 1e-5;            ///< of batch norms that do not say their own
  std::vector<std::string> notes;   ///< what a person should know
  std::deque<std::string> buffers;  ///< what the tensors' bytes lie in; the first is the file
};

/// Reads a file whose format is told by its first bytes. Throws WeightsError, naming file and
/// reason, for what is damaged, unsafe or of no known format, and IoError.
Source read_source(const std::string& path);

/// The numbers in row-major order. Throws WeightsError for a dtype that is not read.
std::vector<float> read_numbers(const SourceTensor& tensor);

/// "(64,3,3,3)"
std::string extents_text(const std::vector<std::size_t>& extents);
/// The number of elements; false when it does not fit 2^40.
bool count_elements(const std::vector<std::size_t>& extents, std::size_t& count);
/// Row-major strides.
std::vector<std::size_t> dense_strides(const std::vector<std::size_t>& extents);
/// Bytes of an element, 0 for an unknown dtype.
std::size_t dtype_bytes(const std::string& dtype);
/// Adds a tensor whose elements start at `bytes`. Throws WeightsError when they do not all fit.
void add_tensor(Source& source, SourceTensor tensor);

// One reader a format; the file is source.buffers.front().
void read_safetensors_source(Source& source);
void read_zip_source(Source& source);  ///< PyTorch's zip, .keras, or .npz
void read_legacy_pytorch(Source& source);
void read_npy_source(Source& source);
void read_onnx(Source& source);
void read_caffe(Source& source);
void read_keras(Source& source);  ///< HDF5

}  // namespace tinct
