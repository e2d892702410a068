// ONNX: the tensors of a model's convolutions and batch norms, in the order of its graph.
// Format: onnx/onnx.proto; the wire format is protobuf's. Files beside the model are never opened.
#include <cstring>
#include <map>
#include <set>

#include "train/import/source.h"
#include "train/import/wire.h"

namespace tinct {
namespace {

std::string onnx_dtype(std::uint64_t type) {
  switch (type) {
    case 1:
      return "F32";
    case 2:
      return "U8";
    case 3:
      return "I8";
    case 5:
      return "I16";
    case 6:
      return "I32";
    case 7:
      return "I64";
    case 9:
      return "BOOL";
    case 10:
      return "F16";
    case 11:
      return "F64";
    case 16:
      return "BF16";
    default:
      return "";
  }
}

// A TensorProto: dims 1, data_type 2, float_data 4, int32_data 5, int64_data 7, name 8,
// raw_data 9, double_data 10, external_data 13, data_location 14.
SourceTensor read_tensor(Source& source, std::string_view message) {
  SourceTensor t;
  std::uint64_t type = 0;
  std::string_view raw;
  std::string unpacked;
  std::vector<std::uint64_t> integers;
  bool has_raw = false;
  const auto numbers = [&](const WireField& f, std::size_t size) {
    // Packed numbers lie in the file as they are; single ones are collected.
    unpacked += f.type == WireField::bytes ? f.text : f.fixed_bytes(size);
  };
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 1) {
      for (const std::uint64_t extent : f.varints()) {
        if (extent > (std::uint64_t{1} << 40)) reader.fail("an absurd extent");
        t.extents.push_back(static_cast<std::size_t>(extent));
      }
      if (t.extents.size() > 32) reader.fail("too many extents");
    }
    if (f.number == 2) type = f.varint();
    if (f.number == 8) t.name = f.string();
    if (f.number == 9) {
      raw = f.string();
      has_raw = true;
    }
    if (f.number == 4) numbers(f, 4);
    if (f.number == 10) numbers(f, 8);
    if (f.number == 5 || f.number == 7) {
      for (const std::uint64_t v : f.varints()) integers.push_back(v);
    }
    if (f.number == 13 || (f.number == 14 && f.varint() != 0)) {
      throw WeightsError("tensor \"" + t.name + "\" lies in another file, which is not opened: " +
                         "save the model as one file");
    }
  }
  t.dtype = onnx_dtype(type);
  t.strides = dense_strides(t.extents);
  if (!has_raw) {
    // Integers and halves, one a varint each, narrowed to the bytes that the type has.
    const std::size_t size = dtype_bytes(t.dtype);
    for (const std::uint64_t v : integers) {
      unpacked.append(reinterpret_cast<const char*>(&v), size);
    }
    source.buffers.push_back(std::move(unpacked));
    raw = source.buffers.back();
  }
  t.bytes = raw;
  std::size_t count = 0;
  if (!t.dtype.empty() &&
      (!count_elements(t.extents, count) || raw.size() != count * dtype_bytes(t.dtype))) {
    throw WeightsError("tensor \"" + t.name + "\" " + extents_text(t.extents) +
                       " does not fit its " + std::to_string(raw.size()) + " bytes");
  }
  return t;
}

struct Node {
  std::string type;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::uint64_t group = 1;
  float epsilon = 1e-5f;  // of a batch norm
};

// A NodeProto: input 1, output 2, op_type 4, attribute 5 (name 1, f 2, i 3).
Node read_node(std::string_view message) {
  Node node;
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 1) node.inputs.emplace_back(f.string());
    if (f.number == 2) node.outputs.emplace_back(f.string());
    if (f.number == 4) node.type = f.string();
    if (f.number != 5) continue;
    std::string name;
    std::uint64_t value = 0;
    float real = 0;
    for (WireReader attribute(f.string()); !attribute.done();) {
      const WireField a = attribute.next();
      if (a.number == 1) name = a.string();
      if (a.number == 2) std::memcpy(&real, a.fixed_bytes(4).data(), 4);
      if (a.number == 3) value = a.varint();
    }
    if (name == "group") node.group = value;
    if (name == "epsilon") node.epsilon = real;
  }
  return node;
}

struct Graph {
  std::map<std::string, SourceTensor> initializers;
  std::vector<Node> nodes;
};

// A GraphProto: node 1, initializer 5, sparse_initializer 15.
Graph read_graph(Source& source, std::string_view message) {
  Graph graph;
  for (WireReader reader(message); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 1) graph.nodes.push_back(read_node(f.string()));
    if (f.number == 15) reader.fail("sparse tensors are not read");
    if (f.number != 5) continue;
    SourceTensor t = read_tensor(source, f.string());
    const std::string name = t.name;
    if (!graph.initializers.emplace(name, std::move(t)).second) {
      throw WeightsError("two tensors are called \"" + name + "\"");
    }
  }
  return graph;
}

// Tensors come as the graph's nodes use them, those of convolutions and batch norms under names
// that say what they are: exporters rename tensors, but not the places of a node's inputs. One that
// no node uses has no place in that order, and is left out.
void add_in_order(Source& source, Graph& graph) {
  std::set<std::string> used;
  std::size_t convolutions = 0, norms = 0;
  const auto add = [&](const std::string& from, const std::string& role, double epsilon = 0) {
    const auto found = graph.initializers.find(from);
    if (found == graph.initializers.end() || !used.insert(from).second) return;
    if (found->second.dtype.empty()) return;
    SourceTensor t = found->second;
    if (!role.empty()) t.role = role;
    t.epsilon = epsilon;
    add_tensor(source, std::move(t));
  };
  for (const Node& node : graph.nodes) {
    const bool convolution = node.type == "Conv";
    const bool norm = node.type == "BatchNormalization";
    if (convolution && node.group != 1) {
      throw WeightsError("a convolution in groups, which no architecture here has");
    }
    convolutions += convolution ? 1 : 0;
    norms += norm ? 1 : 0;
    static const char* const conv_roles[] = {"", "weight", "bias"};
    static const char* const norm_roles[] = {"", "gamma", "beta", "mean", "variance"};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      std::string role;
      if (convolution && i < 3) role = conv_roles[i];
      if (norm && i < 5) role = norm_roles[i];
      add(node.inputs[i], role, norm ? static_cast<double>(node.epsilon) : 0);
    }
  }
  if (const std::size_t unused = graph.initializers.size() - used.size(); unused > 0) {
    source.notes.push_back(std::to_string(unused) + " tensors that no node uses are left out");
  }
  source.notes.push_back("its graph has " + std::to_string(convolutions) + " convolutions and " +
                         std::to_string(norms) + " batch norms" +
                         (norms == 0 ? " (if the network had any, the exporter folded them)" : ""));
}

}  // namespace

void read_onnx(Source& source) {
  source.format = "ONNX";
  std::string producer;
  std::string_view graph;
  int graphs = 0, opsets = 0;
  // A ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8.
  for (WireReader reader(source.buffers.front()); !reader.done();) {
    const WireField f = reader.next();
    if (f.number == 2) producer = f.string();
    opsets += f.number == 8 ? 1 : 0;
    if (f.number != 7) continue;
    graph = f.string();
    ++graphs;
  }
  if (graphs != 1) throw WeightsError("ONNX: there is no graph in it");
  if (opsets == 0) throw WeightsError("ONNX: it names no operator set: truncated");
  if (!producer.empty() && producer.size() < 100) source.notes.push_back("written by " + producer);
  Graph read = read_graph(source, graph);
  add_in_order(source, read);
}

}  // namespace tinct
