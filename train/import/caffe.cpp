// Caffe's .caffemodel: a NetParameter with layers of either generation.
// Format: BVLC/caffe, src/caffe/proto/caffe.proto; the wire format is protobuf's.
#include <cstring>
#include <optional>

#include "train/import/source.h"
#include "train/import/wire.h"

namespace tinct {
namespace {

struct Blob {
  std::vector<std::size_t> extents;
  std::string_view bytes;
  const char* dtype = "F32";
};

struct Layer {
  std::string name, type;
  std::vector<Blob> blobs;
  std::uint64_t group = 1;
  float epsilon = 1e-5f;
};

// A BlobProto: num, channels, height, width 1 to 4, data 5, shape 7 (dim 1), double_data 8.
Blob read_blob(Source& source, std::string_view message) {
  Blob blob;
  std::size_t legacy[4] = {1, 1, 1, 1};
  std::string single;  // numbers that are not packed
  bool packed = false, shaped = false, has_legacy = false;
  const auto extent = [](const WireReader& reader, std::uint64_t value) {
    if (value > (std::uint64_t{1} << 40)) reader.fail("an absurd extent");
    return static_cast<std::size_t>(value);
  };
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number >= 1 && f.number <= 4) {
      legacy[f.number - 1] = extent(reader, f.varint());
      has_legacy = true;
    }
    if (f.number == 5 || f.number == 8) {
      blob.dtype = f.number == 5 ? "F32" : "F64";
      if (packed || (f.type == WireField::bytes && !single.empty())) reader.fail("two data");
      packed = f.type == WireField::bytes;
      if (packed) blob.bytes = f.text;
      if (!packed) single += f.fixed_bytes(f.number == 5 ? 4 : 8);
    }
    if (f.number != 7) continue;
    if (shaped) reader.fail("two shapes");
    shaped = true;
    for (WireReader shape(f.string()); !shape.done();) {
      const WireField dim = shape.next();
      if (dim.number != 1) continue;
      for (const std::uint64_t value : dim.varints()) {
        blob.extents.push_back(extent(reader, value));
      }
    }
    if (blob.extents.size() > 32) reader.fail("too many extents");
  }
  if (!shaped && has_legacy) blob.extents.assign(legacy, legacy + 4);
  if (!packed) {
    source.buffers.push_back(std::move(single));
    blob.bytes = source.buffers.back();
  }
  return blob;
}

// The one number of a message's field, or what it had before.
template <class T>
void read_field(std::string_view message, std::uint32_t number, T& value) {
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number != number) continue;
    if constexpr (std::is_same_v<T, float>) {
      std::memcpy(&value, f.fixed_bytes(4).data(), 4);
    } else {
      value = f.varint();
    }
  }
}

// A LayerParameter: name 1, type 2, blobs 7, convolution_param 106 (group 5), batch_norm_param 139
// (eps 3).
Layer read_layer(Source& source, std::string_view message) {
  Layer layer;
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 1) layer.name = f.string();
    if (f.number == 2) layer.type = f.string();
    if (f.number == 7) layer.blobs.push_back(read_blob(source, f.string()));
    if (f.number == 106) read_field(f.string(), 5, layer.group);
    if (f.number == 139) read_field(f.string(), 3, layer.epsilon);
  }
  return layer;
}

// A V1LayerParameter: layer 1 (an older one still), name 4, type 5, blobs 6, convolution_param 10.
Layer read_old_layer(Source& source, std::string_view message) {
  Layer layer;
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 1) {
      throw WeightsError("a Caffe model of 2013: upgrade_net_proto_binary brings it up to date");
    }
    if (f.number == 4) layer.name = f.string();
    if (f.number == 5) {
      layer.type = f.varint() == 4 ? "Convolution" : f.varint() == 14 ? "InnerProduct" : "";
    }
    if (f.number == 6) layer.blobs.push_back(read_blob(source, f.string()));
    if (f.number == 10) read_field(f.string(), 5, layer.group);
  }
  return layer;
}

class CaffeReader {
 public:
  explicit CaffeReader(Source& source) : source_(source) {}

  // A NetParameter: name 1, layers of the first generation 2, of the second 100.
  void read() {
    source_.format = "Caffe";
    source_.preprocessing = "caffe-bgr";
    std::size_t layers = 0;
    for (WireReader reader(source_.buffers.front()); !reader.done();) {
      const WireField f = reader.next();
      if (f.number != 2 && f.number != 100) continue;
      ++layers;
      add_layer(f.number == 2 ? read_old_layer(source_, f.string())
                              : read_layer(source_, f.string()));
    }
    finish_norm(nullptr);
    if (layers == 0) throw WeightsError("Caffe: no network with layers, or no Caffe model at all");
    source_.notes.push_back("its network has " + std::to_string(layers) + " layers");
  }

 private:
  void add_layer(Layer layer) {
    if (layer.blobs.empty()) return;
    const bool scale = layer.type == "Scale";
    if (norm_ && finish_norm(scale ? &layer : nullptr)) return;
    if (layer.type == "BatchNorm") {
      norm_ = std::move(layer);
      return;
    }
    const bool convolution = layer.type == "Convolution";
    if (convolution && layer.group != 1) {
      throw WeightsError("a convolution in groups, which no architecture here has");
    }
    const bool inner = layer.type == "InnerProduct", weighted = convolution || inner;
    if (std::vector<std::size_t>& e = layer.blobs[0].extents;
        inner && e.size() == 4 && e[0] == 1 && e[1] == 1) {
      e.erase(e.begin(), e.begin() + 2);  // as the first Caffe wrote matrices
    }
    for (std::size_t i = 0; i < layer.blobs.size(); ++i) {
      const std::string role = !weighted ? "" : i == 0 ? "weight" : i == 1 ? "bias" : "";
      if (role == "bias") make_vector(layer.blobs[i]);
      add(layer.name, i, layer.blobs[i], role);
    }
  }

  // A batch norm is complete with the Scale after it, if that has its channels: whether it had.
  bool finish_norm(Layer* scale) {
    if (!norm_) return false;
    Layer norm = *std::move(norm_);
    norm_.reset();
    if (norm.blobs.size() != 3) {
      throw WeightsError("Caffe: batch norm \"" + norm.name + "\" has not its three blobs");
    }
    for (Blob& b : norm.blobs) make_vector(b);
    const std::vector<float> factor = numbers(norm, 2);
    const std::vector<float> mean = numbers(norm, 0), variance = numbers(norm, 1);
    if (factor.size() != 1 || mean.size() != variance.size()) {
      throw WeightsError("Caffe: batch norm \"" + norm.name + "\" has blobs that do not fit");
    }
    bool used = scale != nullptr && scale->blobs.size() <= 2;
    if (used) {
      for (Blob& b : scale->blobs) make_vector(b);
      used = scale->blobs[0].extents == norm.blobs[0].extents;
    }
    const std::size_t channels = mean.size();
    if (used) {
      add(scale->name, 0, scale->blobs[0], "gamma");
    } else {
      add_computed(norm.name + " (no Scale)", std::vector<float>(channels, 1.0f), "gamma", 0);
    }
    if (used && scale->blobs.size() == 2) {
      add(scale->name, 1, scale->blobs[1], "beta");
    } else {
      add_computed(norm.name + " (no bias)", std::vector<float>(channels, 0.0f), "beta", 0);
    }
    // Sums over a moving window: the third blob is what they are to be divided by.
    const float by = factor[0] == 0 ? 0 : 1 / factor[0];
    add_computed(norm.name + " blob 0", times(mean, by), "mean", 0);
    add_computed(norm.name + " blob 1", times(variance, by), "variance",
                 static_cast<double>(norm.epsilon));
    return used;
  }

  static std::vector<float> times(std::vector<float> values, float by) {
    for (float& v : values) v *= by;
    return values;
  }

  // The first Caffe wrote vectors as (1,1,1,n).
  static void make_vector(Blob& blob) {
    std::size_t count = 0;
    if (blob.extents.size() < 2 || !count_elements(blob.extents, count)) return;
    if (count == blob.extents.back()) blob.extents = {count};
  }

  SourceTensor tensor(const std::string& layer, std::size_t i, const Blob& blob) const {
    SourceTensor t;
    t.name = layer + " blob " + std::to_string(i);
    t.extents = blob.extents;
    t.strides = dense_strides(t.extents);
    t.dtype = blob.dtype;
    t.bytes = blob.bytes;
    std::size_t count = 0;
    if (!count_elements(t.extents, count) || t.bytes.size() != count * dtype_bytes(t.dtype)) {
      throw WeightsError("Caffe: \"" + t.name + "\" " + extents_text(t.extents) +
                         " does not fit its " + std::to_string(t.bytes.size()) + " bytes");
    }
    return t;
  }

  std::vector<float> numbers(const Layer& layer, std::size_t i) const {
    return read_numbers(tensor(layer.name, i, layer.blobs[i]));
  }

  void add(const std::string& layer, std::size_t i, const Blob& blob, const std::string& role) {
    SourceTensor t = tensor(layer, i, blob);
    t.role = role;
    add_tensor(source_, std::move(t));
  }

  void add_computed(const std::string& name, const std::vector<float>& values,
                    const std::string& role, double epsilon) {
    source_.buffers.emplace_back(reinterpret_cast<const char*>(values.data()),
                                 values.size() * sizeof(float));
    SourceTensor t{name, {values.size()}, {1}, "F32", source_.buffers.back(), role, epsilon};
    add_tensor(source_, std::move(t));
  }

  Source& source_;
  std::optional<Layer> norm_;  // a batch norm whose Scale may follow
};

}  // namespace

void read_caffe(Source& source) {
  CaffeReader(source).read();
}

}  // namespace tinct
