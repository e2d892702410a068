// The strict parser of a safetensors header.
#include "core/safetensors_header.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/error.h"

namespace tinct {
namespace {

// Length of the UTF-8 sequence at text[i], 0 if it is not valid (overlong forms and surrogates
// included).
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  const auto tail = [&](std::size_t k) { return (byte(k) & 0xC0u) == 0x80u; };
  const unsigned b = byte(i);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(i + 1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    const unsigned second = byte(i + 1);
    if ((b == 0xE0 && second < 0xA0) || (b == 0xED && second > 0x9F)) return 0;
    return tail(i + 1) && tail(i + 2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    const unsigned second = byte(i + 1);
    if ((b == 0xF0 && second < 0x90) || (b == 0xF4 && second > 0x8F)) return 0;
    return tail(i + 1) && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

// Just the JSON that a safetensors header may hold: objects, strings, arrays of unsigned integers.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  SafetensorsHeader parse() {
    if (text_.empty() || text_[0] != '{') fail("the header does not begin with '{'");
    SafetensorsHeader header;
    std::set<std::string> names;
    members([&](std::string key) {
      if (!names.insert(key).second) fail("the name \"" + key + "\" appears twice");
      if (key == "__metadata__") {
        header.metadata = metadata();
      } else {
        header.entries.push_back(entry(std::move(key)));
      }
    });
    while (at_ < text_.size()) {
      if (text_[at_] != ' ') fail("text after the header's closing brace");
      ++at_;
    }
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw WeightsError("offset " + std::to_string(8 + at_) + ": " + reason);
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  char peek() {
    skip_space();
    if (at_ >= text_.size()) fail("the header ends too early");
    return text_[at_];
  }

  void expect(char c) {
    if (peek() != c) fail(std::string("expected '") + c + "'");
    ++at_;
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  template <class F>
  void members(F&& member) {
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string();
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
  }

  unsigned hex4() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("a bad \\u escape");
      code = code * 16 + static_cast<unsigned>(digit);
    }
    return code;
  }

  void append_code_point(std::string& out) {
    unsigned code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {
      if (text_.substr(at_, 2) != "\\u") fail("a lone surrogate");
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("a lone surrogate");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      fail("a lone surrogate");
    }
    const auto push = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      push(code);
    } else if (code < 0x800) {
      push(0xC0 | code >> 6), push(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      push(0xE0 | code >> 12), push(0x80 | (code >> 6 & 0x3F)), push(0x80 | (code & 0x3F));
    } else {
      push(0xF0 | code >> 18), push(0x80 | (code >> 12 & 0x3F));
      push(0x80 | (code >> 6 & 0x3F)), push(0x80 | (code & 0x3F));
    }
  }

  std::string string() {
    expect('"');
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) fail("a string without an end");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      if (c != '\\') {
        const std::size_t length = utf8_length(text_, at_);
        if (length == 0) fail("invalid UTF-8");
        out += text_.substr(at_, length);
        at_ += length;
        continue;
      }
      const char escape = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      at_ += 2;
      constexpr std::string_view kFrom = "\"\\/bfnrt";
      constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
      if (escape == 'u') {
        append_code_point(out);
      } else if (const std::size_t k = kFrom.find(escape); k != std::string_view::npos) {
        out.push_back(kTo[k]);
      } else {
        fail("an unknown escape");
      }
    }
  }

  std::uint64_t integer() {
    const char first = peek();
    if (first < '0' || first > '9') fail("expected an unsigned integer");
    const std::size_t begin = at_;
    std::uint64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      const unsigned digit = static_cast<unsigned>(text_[at_] - '0');
      if (value > (UINT64_MAX - digit) / 10) fail("an integer that does not fit 64 bits");
      value = value * 10 + digit;
      ++at_;
    }
    if (first == '0' && at_ - begin > 1) fail("an integer with a leading zero");
    return value;
  }

  std::vector<std::uint64_t> integers() {
    std::vector<std::uint64_t> values;
    expect('[');
    if (accept(']')) return values;
    do {
      values.push_back(integer());
    } while (accept(','));
    expect(']');
    return values;
  }

  Metadata metadata() {
    Metadata out;
    members([&](std::string key) {
      if (peek() != '"') fail("a __metadata__ value that is not a string");
      if (!out.emplace(key, string()).second) fail("the name \"" + key + "\" appears twice");
    });
    return out;
  }

  TensorEntry entry(std::string name) {
    TensorEntry e;
    e.name = std::move(name);
    bool dtype = false;
    bool shape = false;
    bool offsets = false;
    const auto once = [&](bool& seen, const std::string& key) {
      if (seen) fail("\"" + key + "\" appears twice in \"" + e.name + "\"");
      seen = true;
    };
    members([&](const std::string& key) {
      if (key == "dtype") {
        once(dtype, key);
        e.dtype = string();
      } else if (key == "shape") {
        once(shape, key);
        const std::vector<std::uint64_t> extents = integers();
        e.extents.assign(extents.begin(), extents.end());
      } else if (key == "data_offsets") {
        once(offsets, key);
        const std::vector<std::uint64_t> pair = integers();
        if (pair.size() != 2) fail("data_offsets of \"" + e.name + "\" is not a pair");
        e.begin = pair[0];
        e.end = pair[1];
      } else {
        fail("unknown key \"" + key + "\" in \"" + e.name + "\"");
      }
    });
    if (!dtype || !shape || !offsets) {
      fail("\"" + e.name + "\" lacks dtype, shape or data_offsets");
    }
    return e;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void check_entry(const TensorEntry& e, std::uint64_t expected_begin) {
  const auto fail = [&](const std::string& reason) {
    throw WeightsError("offset 8: tensor \"" + e.name + "\": " + reason);
  };
  std::uint64_t bytes = safetensors_element_size(e.dtype);
  if (bytes == 0) fail("dtype " + e.dtype + " is not supported");
  for (const std::size_t extent : e.extents) {
    if (__builtin_mul_overflow(bytes, std::uint64_t{extent}, &bytes)) fail("its size overflows");
  }
  if (e.begin != expected_begin) {
    fail("its data begin at " + std::to_string(e.begin) + ", where " +
         std::to_string(expected_begin) + " was expected: a hole or an overlap");
  }
  if (e.end < e.begin || e.end - e.begin != bytes) {
    fail("its data_offsets do not span the " + std::to_string(bytes) + " bytes of its shape");
  }
}

}  // namespace

std::size_t safetensors_element_size(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F16" || dtype == "BF16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes) {
  SafetensorsHeader header = Parser(json).parse();
  std::sort(header.entries.begin(), header.entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  std::uint64_t at = 0;
  for (const TensorEntry& e : header.entries) {
    check_entry(e, at);
    at = e.end;
  }
  if (at != data_bytes) {
    throw WeightsError("offset " + std::to_string(8 + json.size()) + ": the tensors take " +
                       std::to_string(at) + " bytes of data, the file has " +
                       std::to_string(data_bytes) +
                       (at > data_bytes ? ": it is truncated" : ": trailing bytes"));
  }
  return header;
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace tinct
