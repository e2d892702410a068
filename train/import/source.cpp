// Telling formats apart, and the numbers of a tensor whatever its type and strides.
#include "train/import/source.h"

#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/file.h"
#include "core/half.h"
#include "core/safetensors_header.h"
#include "train/import/bytes.h"

namespace tinct {
namespace {

constexpr std::size_t kMostElements = std::size_t{1} << 40;

template <class T, class Convert>
void gather(const SourceTensor& t, std::vector<float>& out, Convert&& convert) {
  std::vector<std::size_t> index(t.extents.size(), 0);
  std::size_t at = 0;
  for (float& value : out) {
    T raw;
    std::memcpy(&raw, t.bytes.data() + at * sizeof(T), sizeof(T));
    value = convert(raw);
    for (std::size_t d = index.size(); d-- > 0;) {
      at += t.strides[d];
      if (++index[d] < t.extents[d]) break;
      at -= t.strides[d] * t.extents[d];
      index[d] = 0;
    }
  }
}

bool starts(std::string_view bytes, std::string_view with) {
  return bytes.substr(0, with.size()) == with;
}

// Messages quote names from the file, which may hold anything.
std::string one_line(std::string text) {
  if (text.size() > 400) text = text.substr(0, 400) + "...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
  }
  return text;
}

void read_by_first_bytes(Source& source) {
  using namespace std::string_view_literals;
  const std::string_view bytes = source.buffers.front();
  if (starts(bytes, "PK\3\4"sv) || starts(bytes, "PK\5\6"sv)) return read_zip_source(source);
  if (starts(bytes, "\x93NUMPY"sv)) return read_npy_source(source);
  if (starts(bytes, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20"sv)) return read_legacy_pytorch(source);
  if (bytes.size() > 8 && bytes[8] == '{') return read_safetensors_source(source);
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") {
    throw WeightsError(
        "a tar archive, PyTorch's format before 0.2: load and save it with a newer "
        "PyTorch first");
  }
  if (starts(bytes, "\x89HDF\r\n\x1a\n"sv)) return read_keras(source);
  if (starts(bytes, "\x80"sv)) {
    throw WeightsError("a pickle that is no PyTorch weights file");
  }
  // ONNX has no magic: its first field is ir_version.
  if (starts(bytes, "\x08"sv)) return read_onnx(source);
  // Nor has Caffe: a network's name, an old layer or a new one comes first.
  for (const std::string_view first : {"\x0a"sv, "\x12"sv, "\xa2\x06"sv}) {
    if (starts(bytes, first)) return read_caffe(source);
  }
  throw WeightsError(
      "no weights file that tinct reads: safetensors, PyTorch, ONNX, Keras's .h5, .caffemodel, "
      ".npz, .npy");
}

}  // namespace

Source read_source(const std::string& path) {
  Source source;
  source.buffers.push_back(read_file(path, std::uint64_t{8} << 30));
  try {
    read_by_first_bytes(source);
  } catch (const WeightsError& e) {
    throw WeightsError(path + ": " + one_line(e.what()));
  }
  return source;
}

std::string extents_text(const std::vector<std::size_t>& extents) {
  std::string text = "(";
  for (const std::size_t e : extents) text += (text.size() > 1 ? "," : "") + std::to_string(e);
  return text + ")";
}

bool count_elements(const std::vector<std::size_t>& extents, std::size_t& count) {
  count = 1;
  for (const std::size_t e : extents) {
    if (e != 0 && count > kMostElements / e) return false;
    count *= e;
  }
  return true;
}

std::vector<std::size_t> dense_strides(const std::vector<std::size_t>& extents) {
  std::vector<std::size_t> strides(extents.size(), 1);
  for (std::size_t d = extents.size(); d-- > 1;) strides[d - 1] = strides[d] * extents[d];
  return strides;
}

std::size_t dtype_bytes(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

void add_tensor(Source& source, SourceTensor tensor) {
  constexpr std::size_t kMostTensors = 100'000;
  const std::string what = "tensor \"" + tensor.name + "\" " + extents_text(tensor.extents);
  for (const char c : tensor.name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) {
      throw WeightsError("a tensor's name holds control characters");
    }
  }
  std::size_t count = 0;
  if (source.tensors.size() >= kMostTensors) throw WeightsError("more than 100000 tensors");
  if (tensor.extents.size() > 32 || !count_elements(tensor.extents, count)) {
    throw WeightsError(what + " is absurdly large");
  }
  const std::size_t size = dtype_bytes(tensor.dtype);
  if (size == 0) throw WeightsError(what + " has the type " + tensor.dtype + ", which is not read");
  std::size_t last = 0;  // element
  for (std::size_t d = 0; count > 0 && d < tensor.extents.size(); ++d) {
    const std::size_t steps = tensor.extents[d] - 1;
    if (steps != 0 && tensor.strides[d] > (kMostElements - last) / steps) {
      throw WeightsError(what + " has absurd strides");
    }
    last += steps * tensor.strides[d];
  }
  if (count > 0 && (last + 1) * size > tensor.bytes.size()) {
    throw WeightsError(what + " needs " + std::to_string((last + 1) * size) + " bytes, there are " +
                       std::to_string(tensor.bytes.size()));
  }
  // Overlapping strides would blow a small file up to any size.
  if (count > last + 1) throw WeightsError(what + " repeats its elements");
  source.tensors.push_back(std::move(tensor));
}

std::vector<float> read_numbers(const SourceTensor& t) {
  std::size_t count = 0;
  if (!count_elements(t.extents, count)) throw WeightsError(t.name + ": too large");
  std::vector<float> out(count);
  const auto cast = [](auto v) { return static_cast<float>(v); };
  if (t.dtype == "F32") gather<float>(t, out, cast);
  if (t.dtype == "F64") gather<double>(t, out, cast);
  if (t.dtype == "F16") gather<std::uint16_t>(t, out, half_to_float);
  if (t.dtype == "BF16") gather<std::uint16_t>(t, out, bfloat16_to_float);
  if (t.dtype == "I64") gather<std::int64_t>(t, out, cast);
  if (t.dtype == "I32") gather<std::int32_t>(t, out, cast);
  if (t.dtype == "I16") gather<std::int16_t>(t, out, cast);
  if (t.dtype == "I8") gather<std::int8_t>(t, out, cast);
  if (t.dtype == "U8" || t.dtype == "BOOL") gather<std::uint8_t>(t, out, cast);
  return out;
}

void read_safetensors_source(Source& source) {
  source.format = "safetensors";
  source.order = SourceOrder::none;  // writers sort
  const std::string_view file = source.buffers.front();
  ByteReader reader(file);
  const auto header_size = reader.number<std::uint64_t>();
  if (header_size > 100'000'000) reader.fail("a header of that size is not allowed");
  const std::string_view json = reader.take(header_size);
  const std::string_view data = file.substr(8 + json.size());
  for (const TensorEntry& e : parse_safetensors_header(json, data.size()).entries) {
    add_tensor(source, {e.name, e.extents, dense_strides(e.extents), e.dtype,
                        data.substr(e.begin, e.end - e.begin), ""});
  }
}

}  // namespace tinct
