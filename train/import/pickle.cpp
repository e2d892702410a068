// The stack machine behind pickles.
#include "train/import/pickle.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <unordered_map>

namespace tinct {
namespace {

using Kind = PickleNode::Kind;
using Index = std::uint32_t;

constexpr std::size_t kMostOperations = 10'000'000, kMostMemos = 1'000'000;
constexpr std::size_t kDeepestMarks = 10'000, kLongestString = 1u << 20;

class Machine {
 public:
  explicit Machine(ByteReader& reader) : reader_(reader) {}

  Pickle run() {
    for (std::size_t i = 0; i < kMostOperations; ++i) {
      const auto op = reader_.number<std::uint8_t>();
      if (op == '.') {
        if (stack_.size() != 1) reader_.fail("pickle: the end leaves a full stack");
        pickle_.top = stack_[0];
        return std::move(pickle_);
      }
      if (!(constant(op) || memo(op) || collection(op) || object(op))) refuse(op);
    }
    reader_.fail("pickle: more than 10 million operations");
  }

 private:
  [[noreturn]] void refuse(std::uint8_t op) {
    char text[64];
    std::snprintf(text, sizeof text, "pickle: operation 0x%02x is not allowed", op);
    reader_.fail(text);
  }

  Index make(PickleNode node) {
    pickle_.nodes.push_back(std::move(node));
    return static_cast<Index>(pickle_.nodes.size() - 1);
  }
  void push(PickleNode node) { stack_.push_back(make(std::move(node))); }
  void push(Kind kind, std::vector<Index> items = {}) {
    PickleNode node;
    node.kind = kind;
    node.items = std::move(items);
    push(std::move(node));
  }
  void push_integer(std::int64_t value) {
    PickleNode node;
    node.kind = Kind::integer;
    node.integer = value;
    push(std::move(node));
  }
  void push_text(std::uint64_t size) {
    if (size > kLongestString) reader_.fail("pickle: a string of " + std::to_string(size));
    PickleNode node;
    node.kind = Kind::text;
    node.text = reader_.take(size);
    push(std::move(node));
  }
  Index pop() {
    if (stack_.size() <= floor()) reader_.fail("pickle: the stack is empty");
    const Index top = stack_.back();
    stack_.pop_back();
    return top;
  }
  PickleNode& top() {
    if (stack_.size() <= floor()) reader_.fail("pickle: the stack is empty");
    return pickle_.nodes[stack_.back()];
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  // What lies above the last mark.
  std::vector<Index> pop_marked() {
    if (marks_.empty()) reader_.fail("pickle: there is no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Index> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Index> pop_last(std::size_t count) {
    std::vector<Index> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  bool constant(std::uint8_t op);
  bool memo(std::uint8_t op);
  bool collection(std::uint8_t op);
  bool object(std::uint8_t op);
  void push_long(std::size_t bytes);
  void put(std::uint64_t key);
  void get(std::uint64_t key);
  void add_items(Kind kind, const std::vector<Index>& items);
  void push_global(const std::string& module, const std::string& name);
  void push_storage();
  void reduce();

  ByteReader& reader_;
  Pickle pickle_;
  std::vector<Index> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Index> memo_;
};

void Machine::push_long(std::size_t bytes) {
  PickleNode node;
  node.kind = Kind::integer;
  node.text = reader_.take(bytes);
  if (bytes <= 8) {
    std::uint64_t value = bytes > 0 && (node.text.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes; i-- > 0;) {
      value = value << 8 | static_cast<std::uint8_t>(node.text[i]);
    }
    node.integer = static_cast<std::int64_t>(value);
    node.text.clear();
  }
  push(std::move(node));
}

bool Machine::constant(std::uint8_t op) {
  switch (op) {
    case 0x80:  // PROTO
      if (const auto version = reader_.number<std::uint8_t>(); version < 2 || version > 5) {
        reader_.fail("pickle: protocol " + std::to_string(version));
      }
      return true;
    case 0x95:  // FRAME
      reader_.take(8);
      return true;
    case 'N':  // NONE
      push(Kind::none);
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      push(Kind::boolean);
      top().integer = op == 0x88;
      return true;
    case 'K':  // BININT1
      push_integer(reader_.number<std::uint8_t>());
      return true;
    case 'M':  // BININT2
      push_integer(reader_.number<std::uint16_t>());
      return true;
    case 'J':  // BININT
      push_integer(reader_.number<std::int32_t>());
      return true;
    case 0x8a:  // LONG1
      push_long(reader_.number<std::uint8_t>());
      return true;
    case 'G':  // BINFLOAT, big-endian
      push(Kind::real);
      top().real = std::bit_cast<double>(__builtin_bswap64(reader_.number<std::uint64_t>()));
      return true;
    case 'X':  // BINUNICODE
      push_text(reader_.number<std::uint32_t>());
      return true;
    case 0x8c:  // SHORT_BINUNICODE
    case 'U':   // SHORT_BINSTRING
    case 'C':   // SHORT_BINBYTES
      push_text(reader_.number<std::uint8_t>());
      return true;
    default:
      return false;
  }
}

void Machine::put(std::uint64_t key) {
  top();
  if (memo_.size() >= kMostMemos) reader_.fail("pickle: more than a million memos");
  memo_[key] = stack_.back();
}

void Machine::get(std::uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) reader_.fail("pickle: memo " + std::to_string(key) + " is not there");
  stack_.push_back(found->second);
}

bool Machine::memo(std::uint8_t op) {
  switch (op) {
    case 'q':  // BINPUT
      put(reader_.number<std::uint8_t>());
      return true;
    case 'r':  // LONG_BINPUT
      put(reader_.number<std::uint32_t>());
      return true;
    case 0x94:  // MEMOIZE
      put(memo_.size());
      return true;
    case 'h':  // BINGET
      get(reader_.number<std::uint8_t>());
      return true;
    case 'j':  // LONG_BINGET
      get(reader_.number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

void Machine::add_items(Kind kind, const std::vector<Index>& items) {
  PickleNode& target = top();
  if (target.kind == Kind::opaque) return;  // an unknown class's own business
  if (target.kind != kind || (kind == Kind::dict && items.size() % 2 != 0)) {
    reader_.fail("pickle: items for something that takes none");
  }
  target.items.insert(target.items.end(), items.begin(), items.end());
}

bool Machine::collection(std::uint8_t op) {
  switch (op) {
    case '(':  // MARK
      if (marks_.size() >= kDeepestMarks) reader_.fail("pickle: too many marks");
      marks_.push_back(stack_.size());
      return true;
    case '0':  // POP
      pop();
      return true;
    case ')':  // EMPTY_TUPLE
      push(Kind::tuple);
      return true;
    case ']':   // EMPTY_LIST
    case 0x8f:  // EMPTY_SET
      push(Kind::list);
      return true;
    case '}':  // EMPTY_DICT
      push(Kind::dict);
      return true;
    case 't':  // TUPLE
      push(Kind::tuple, pop_marked());
      return true;
    case 0x85:  // TUPLE1
      push(Kind::tuple, pop_last(1));
      return true;
    case 0x86:  // TUPLE2
      push(Kind::tuple, pop_last(2));
      return true;
    case 0x87:  // TUPLE3
      push(Kind::tuple, pop_last(3));
      return true;
    case 'a':  // APPEND
      add_items(Kind::list, pop_last(1));
      return true;
    case 'e':   // APPENDS
    case 0x90:  // ADDITEMS
      add_items(Kind::list, pop_marked());
      return true;
    case 's':  // SETITEM
      add_items(Kind::dict, pop_last(2));
      return true;
    case 'u':  // SETITEMS
      add_items(Kind::dict, pop_marked());
      return true;
    default:
      return false;
  }
}

void Machine::push_global(const std::string& module, const std::string& name) {
  PickleNode node;
  node.kind = Kind::global;
  node.text = module + " " + name;
  push(std::move(node));
}

// A call: the few that build tensors are understood, every other becomes an opaque node.
void Machine::reduce() {
  const std::vector<Index> call = pop_last(2);
  const PickleNode& function = pickle_[call[0]];
  const PickleNode& arguments = pickle_[call[1]];
  const bool known = function.kind == Kind::global && arguments.kind == Kind::tuple;
  const std::string name = known ? function.text : "";
  if (name == "torch._utils _rebuild_tensor_v2" || name == "torch._utils _rebuild_tensor") {
    push(Kind::tensor, arguments.items);
  } else if (name == "torch._utils _rebuild_parameter" && !arguments.items.empty()) {
    stack_.push_back(arguments.items[0]);
  } else if (name == "collections OrderedDict" && arguments.items.empty()) {
    push(Kind::dict);
  } else {
    push(Kind::opaque);
    top().text = name;
  }
}

// A storage named by its persistent id, the tuple on top.
void Machine::push_storage() {
  const PickleNode& id = pickle_[pop()];
  if (id.kind != Kind::tuple) reader_.fail("pickle: a persistent id that is no tuple");
  push(Kind::storage, id.items);
}

bool Machine::object(std::uint8_t op) {
  switch (op) {
    case 'c': {  // GLOBAL
      const std::string module(reader_.line());
      const std::string name(reader_.line());
      if (module.size() + name.size() > 1000) reader_.fail("pickle: an absurd name");
      push_global(module, name);
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const std::vector<Index> names = pop_last(2);
      push_global(pickle_[names[0]].text, pickle_[names[1]].text);
      return true;
    }
    case 'R':   // REDUCE
    case 0x81:  // NEWOBJ
      reduce();
      return true;
    case 'b':  // BUILD
      pop();
      top();
      return true;
    case 'Q':  // BINPERSID
      push_storage();
      return true;
    default:
      return false;
  }
}

}  // namespace

Pickle read_pickle(ByteReader& reader) {
  return Machine(reader).run();
}

}  // namespace tinct
