// PyTorch's weights files: the zip of 1.6 and later, the stream of pickles before it.
// Source: torch/serialization.py (save, _legacy_save) and torch/_utils.py.
#include <map>
#include <set>

#include "train/import/pickle.h"
#include "train/import/source.h"
#include "train/import/zip.h"

namespace tinct {
namespace {

using Kind = PickleNode::Kind;

struct Storage {
  std::string dtype;
  std::string key;
  std::uint64_t count = 0;
};

std::string storage_dtype(const std::string& global) {
  static const std::map<std::string, std::string> known = {
      {"torch FloatStorage", "F32"}, {"torch DoubleStorage", "F64"},
      {"torch HalfStorage", "F16"},  {"torch BFloat16Storage", "BF16"},
      {"torch LongStorage", "I64"},  {"torch IntStorage", "I32"},
      {"torch ShortStorage", "I16"}, {"torch CharStorage", "I8"},
      {"torch ByteStorage", "U8"},   {"torch BoolStorage", "BOOL"}};
  const auto found = known.find(global);
  return found == known.end() ? "" : found->second;
}

// Walks the object that was saved, for tensors by name.
class Walk {
 public:
  Walk(const Pickle& pickle, std::map<std::string, Storage>& storages)
      : pickle_(pickle), storages_(storages) {}

  struct Found {
    std::string name;
    Storage storage;
    std::size_t offset = 0;
    std::vector<std::size_t> extents, strides;
  };

  std::vector<Found> run() {
    const PickleNode& top = pickle_[pickle_.top];
    if (top.kind == Kind::opaque) {
      throw WeightsError("a whole pickled object (" + top.text +
                         "), whose code tinct does not run: save its state_dict() instead");
    }
    const PickleNode* state = &state_of(top);
    if (state->kind != Kind::dict) throw WeightsError("there is no state dict in it");
    for (std::size_t i = 0; i + 1 < state->items.size(); i += 2) {
      const PickleNode& key = pickle_[state->items[i]];
      const PickleNode& value = pickle_[state->items[i + 1]];
      if (key.kind != Kind::text) continue;
      if (value.kind == Kind::tensor) add(key.text, value);
    }
    if (found_.empty()) throw WeightsError("there is no tensor in its state dict");
    return std::move(found_);
  }

  // Also those that no tensor of the state dict lies in: a stream must be read past them.
  void note_all_storages() {
    for (const PickleNode& node : pickle_.nodes) {
      if (node.kind == Kind::storage) storage_of(node, "a tensor");
    }
  }

 private:
  // Trainers save {"state_dict": …}, {"model": …} and the like.
  const PickleNode& state_of(const PickleNode& top) const {
    const PickleNode* node = &top;
    for (int depth = 0; depth < 8; ++depth) {
      const PickleNode* inner = nullptr;
      for (const char* name :
           {"state_dict", "model_state_dict", "model", "params_ema", "params", "generator"}) {
        inner = inner != nullptr ? inner : member(*node, name);
      }
      if (inner == nullptr) return *node;
      if (inner->kind != Kind::dict) {
        throw WeightsError("it holds a whole pickled model (" + inner->text +
                           "), whose code tinct does not run: save its state_dict() instead");
      }
      node = inner;
    }
    return *node;
  }

  // A dict's value under a name, when that is a dict or an object (a tensor may be called "model").
  const PickleNode* member(const PickleNode& dict, const std::string& name) const {
    if (dict.kind != Kind::dict) return nullptr;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      if (pickle_[dict.items[i]].text != name) continue;
      const PickleNode& value = pickle_[dict.items[i + 1]];
      if (value.kind == Kind::dict || value.kind == Kind::opaque) return &value;
    }
    return nullptr;
  }

  std::size_t natural(std::uint32_t index, const std::string& what) const {
    const PickleNode& node = pickle_[index];
    if (node.kind != Kind::integer || !node.text.empty() || node.integer < 0) {
      throw WeightsError(what + " has an extent, stride or offset that is no natural number");
    }
    return static_cast<std::size_t>(node.integer);
  }

  std::vector<std::size_t> naturals(std::uint32_t index, const std::string& what) const {
    if (pickle_[index].kind != Kind::tuple) throw WeightsError(what + " is malformed");
    std::vector<std::size_t> out;
    for (const std::uint32_t i : pickle_[index].items) out.push_back(natural(i, what));
    return out;
  }

  // ('storage', class, key, location, count[, view])
  Storage storage_of(const PickleNode& id, const std::string& what) {
    if (id.kind != Kind::storage || id.items.size() < 5 || pickle_[id.items[0]].text != "storage") {
      throw WeightsError(what + " has no storage");
    }
    Storage s{storage_dtype(pickle_[id.items[1]].text), pickle_[id.items[2]].text,
              natural(id.items[4], what)};
    if (s.dtype.empty()) {
      throw WeightsError(what + " has the type " + pickle_[id.items[1]].text + ", not read");
    }
    if (id.items.size() > 5 && pickle_[id.items[5]].kind != Kind::none) {
      throw WeightsError(what + " lies in a view of a storage, which is not read");
    }
    const auto [found, fresh] = storages_.emplace(s.key, s);
    if (!fresh && (found->second.dtype != s.dtype || found->second.count != s.count)) {
      throw WeightsError("storage \"" + s.key + "\" is described in two ways");
    }
    return s;
  }

  void add(std::string name, const PickleNode& tensor) {
    const std::string what = "tensor \"" + name + "\"";
    if (tensor.items.size() < 4) throw WeightsError(what + " is malformed");
    Found f;
    f.storage = storage_of(pickle_[tensor.items[0]], what);
    f.offset = natural(tensor.items[1], what);
    f.extents = naturals(tensor.items[2], what);
    f.strides = naturals(tensor.items[3], what);
    if (f.extents.size() != f.strides.size()) throw WeightsError(what + " has too few strides");
    for (const char* prefix : {"module.", "_orig_mod."}) {
      if (name.rfind(prefix, 0) == 0) name.erase(0, std::string(prefix).size());
    }
    f.name = std::move(name);
    found_.push_back(std::move(f));
  }

  const Pickle& pickle_;
  std::map<std::string, Storage>& storages_;
  std::vector<Found> found_;
};

void add_found(Source& source, std::vector<Walk::Found> found,
               const std::map<std::string, std::string_view>& data) {
  for (Walk::Found& f : found) {
    const std::string_view bytes = data.at(f.storage.key);
    const std::size_t size = dtype_bytes(f.storage.dtype);
    if (f.offset > bytes.size() / size) {
      throw WeightsError("tensor \"" + f.name + "\" begins beyond its storage");
    }
    add_tensor(source, {std::move(f.name), std::move(f.extents), std::move(f.strides),
                        f.storage.dtype, bytes.substr(f.offset * size), ""});
  }
}

void check_storage(const Storage& storage, std::string_view bytes) {
  const std::size_t size = dtype_bytes(storage.dtype);
  if (bytes.size() / size != storage.count || bytes.size() % size != 0) {
    throw WeightsError("storage \"" + storage.key + "\" has " + std::to_string(bytes.size()) +
                       " bytes for " + std::to_string(storage.count) + " elements");
  }
}

}  // namespace

void read_pytorch_zip(Source& source, const std::vector<ZipMember>& members,
                      const ZipMember& object) {
  source.format = "PyTorch (zip)";
  const std::string folder = object.name.substr(0, object.name.size() - 8);  // without data.pkl
  std::map<std::string, const ZipMember*> by_name;
  for (const ZipMember& m : members) {
    if (!by_name.emplace(m.name, &m).second) throw WeightsError("zip: two members " + m.name);
  }
  const auto order = by_name.find(folder + "byteorder");
  if (order != by_name.end() && unpack(*order->second) != "little") {
    throw WeightsError("its numbers are big-endian, which is not read");
  }
  const std::string bytes = unpack(object);
  ByteReader reader(bytes, object.offset);
  const Pickle pickle = read_pickle(reader);
  if (!reader.done()) reader.fail("pickle: something follows its end");
  std::map<std::string, Storage> storages;
  std::vector<Walk::Found> found = Walk(pickle, storages).run();
  const std::string storage_folder = folder + "data/";
  std::map<std::string, std::string_view> data;
  for (const auto& [key, storage] : storages) {
    const auto member = by_name.find(storage_folder + key);
    if (member == by_name.end()) throw WeightsError("storage \"" + key + "\" is missing");
    data[key] = stored_bytes(*member->second);
    check_storage(storage, data[key]);
  }
  add_found(source, std::move(found), data);
}

void read_legacy_pytorch(Source& source) {
  source.format = "PyTorch (before 1.6)";
  ByteReader reader(source.buffers.front());
  const Pickle magic = read_pickle(reader);
  const PickleNode& number = magic[magic.top];
  if (number.kind != Kind::integer || number.text != "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") {
    reader.fail("a wrong magic number");
  }
  const Pickle protocol = read_pickle(reader);
  if (protocol[protocol.top].integer != 1001) reader.fail("a protocol other than 1001");
  const Pickle system = read_pickle(reader);
  const PickleNode& facts = system[system.top];
  for (std::size_t i = 0; facts.kind == Kind::dict && i + 1 < facts.items.size(); i += 2) {
    if (system[facts.items[i]].text == "little_endian" && system[facts.items[i + 1]].integer != 1) {
      reader.fail("its numbers are big-endian, which is not read");
    }
  }
  const Pickle object = read_pickle(reader);
  std::map<std::string, Storage> storages;
  Walk walk(object, storages);
  std::vector<Walk::Found> found = walk.run();
  walk.note_all_storages();
  const Pickle keys = read_pickle(reader);
  std::map<std::string, std::string_view> data;
  if (keys[keys.top].kind != Kind::list) reader.fail("there is no list of storages");
  for (const std::uint32_t index : keys[keys.top].items) {
    const std::string& key = keys[index].text;
    const auto storage = storages.find(key);
    // Its length is told by its type alone.
    if (storage == storages.end()) reader.fail("storage \"" + key + "\" belongs to no tensor read");
    if (reader.number<std::uint64_t>() != storage->second.count) {
      reader.fail("storage \"" + key + "\" has another length than its tensors say");
    }
    if (storage->second.count > reader.left()) reader.fail("the file ends too early");
    data[key] = reader.take(storage->second.count * dtype_bytes(storage->second.dtype));
  }
  if (!reader.done()) reader.fail("something follows the last storage");
  for (const auto& [key, storage] : storages) {
    if (!data.contains(key)) throw WeightsError("storage \"" + key + "\" is missing");
  }
  add_found(source, std::move(found), data);
}

}  // namespace tinct
