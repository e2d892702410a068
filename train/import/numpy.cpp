// NumPy's .npy and .npz, and telling .npz from PyTorch's and Keras's zips.
// Format: numpy/lib/format.py.
#include "train/import/bytes.h"
#include "train/import/source.h"
#include "train/import/zip.h"

namespace tinct {

void read_pytorch_zip(Source& source, const std::vector<ZipMember>& members,
                      const ZipMember& object);
void read_keras_zip(Source& source, const std::vector<ZipMember>& members,
                    const ZipMember& weights);

namespace {

// The header is a Python dict of exactly three keys; this reads that and nothing else.
class Header {
 public:
  explicit Header(ByteReader& reader, std::string_view text) : reader_(reader), text_(text) {}

  void read() {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && descr.empty()) {
        descr = quoted();
      } else if (key == "fortran_order" && !ordered_) {
        fortran = boolean();
        ordered_ = true;
      } else if (key == "shape" && !shaped_) {
        shape();
        shaped_ = true;
      } else {
        fail("an unexpected key");
      }
      if (!accept(',') && peek() != '}') fail("a comma is missing");
    }
    if (peek() != 0 || descr.empty() || !ordered_ || !shaped_) fail("it is not whole");
  }

  std::string descr;
  bool fortran = false;
  std::vector<std::size_t> extents;

 private:
  [[noreturn]] void fail(const char* why) const {
    reader_.fail(std::string(".npy: its header is malformed: ") + why);
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail("an unexpected character");
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a string is missing");
    const std::size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string out(text_.substr(at_, end - at_));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("no truth value");
  }
  void shape() {
    expect('(');
    while (!accept(')')) {
      std::size_t value = 0, digits = 0;
      for (char c = peek(); c >= '0' && c <= '9'; c = at_ < text_.size() ? text_[at_] : '\0') {
        if (++digits > 15) fail("an absurd extent");
        value = value * 10 + static_cast<std::size_t>(c - '0');
        ++at_;
      }
      if (digits == 0 || extents.size() == 32) fail("an extent");
      extents.push_back(value);
      if (!accept(',') && peek() != ')') fail("an extent");
    }
  }

  ByteReader& reader_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool ordered_ = false, shaped_ = false;
};

std::string dtype_of(const std::string& descr) {
  static constexpr std::pair<const char*, const char*> known[] = {
      {"<f4", "F32"}, {"<f2", "F16"}, {"<f8", "F64"}, {"|u1", "U8"},  {"|i1", "I8"},
      {"<i2", "I16"}, {"<i4", "I32"}, {"<i8", "I64"}, {"|b1", "BOOL"}};
  for (const auto& [from, to] : known) {
    if (descr == from) return to;
  }
  throw WeightsError(".npy: the type \"" + descr + "\" is not read" +
                     (descr.find('O') != std::string::npos ? " (it would run Python code)" : ""));
}

void add_npy(Source& source, const std::string& name, std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.take(6) != "\x93NUMPY") reader.fail(".npy: no magic");
  const auto major = reader.number<std::uint8_t>();
  const auto minor = reader.number<std::uint8_t>();
  if (major < 1 || major > 3 || minor != 0) reader.fail(".npy: an unknown version");
  const std::size_t length =
      major == 1 ? reader.number<std::uint16_t>() : reader.number<std::uint32_t>();
  if (length > 65536) reader.fail(".npy: a header of " + std::to_string(length) + " bytes");
  Header header(reader, reader.take(length));
  header.read();
  SourceTensor t{name,
                 header.extents,
                 dense_strides(header.extents),
                 dtype_of(header.descr),
                 reader.take(reader.left()),
                 ""};
  if (header.fortran) {
    std::size_t stride = 1;
    for (std::size_t d = 0; d < t.extents.size(); ++d) {
      t.strides[d] = stride;
      stride *= t.extents[d];
    }
  }
  std::size_t count = 0;
  if (!count_elements(t.extents, count) || t.bytes.size() != count * dtype_bytes(t.dtype)) {
    throw WeightsError(".npy: \"" + name + "\" " + extents_text(t.extents) + " does not fit its " +
                       std::to_string(t.bytes.size()) + " bytes");
  }
  add_tensor(source, std::move(t));
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void read_npz(Source& source, const std::vector<ZipMember>& members) {
  source.format = "NumPy .npz";
  source.order = SourceOrder::none;
  for (const ZipMember& m : members) {
    if (!ends_with(m.name, ".npy")) throw WeightsError(".npz: \"" + m.name + "\" is no .npy");
    std::string_view bytes;
    if (m.method == 0) {
      bytes = stored_bytes(m);
    } else {
      source.buffers.push_back(unpack(m));
      bytes = source.buffers.back();
    }
    add_npy(source, m.name.substr(0, m.name.size() - 4), bytes);
  }
}

}  // namespace

void read_npy_source(Source& source) {
  source.format = "NumPy .npy";
  add_npy(source, "array", source.buffers.front());
}

void read_zip_source(Source& source) {
  const std::vector<ZipMember> members = read_zip(source.buffers.front());
  if (members.empty()) throw WeightsError("an empty zip archive");
  const ZipMember* object = nullptr;
  for (const ZipMember& m : members) {
    if (m.name == "model.weights.h5") return read_keras_zip(source, members, m);
    if (ends_with(m.name, "/constants.pkl")) {
      throw WeightsError("a TorchScript archive, which holds code: save the state_dict() instead");
    }
    if (!ends_with(m.name, "/data.pkl")) continue;
    if (object != nullptr) throw WeightsError("zip: two members named data.pkl");
    object = &m;
  }
  if (object != nullptr) return read_pytorch_zip(source, members, *object);
  read_npz(source, members);
}

}  // namespace tinct
