// A pickle machine that never calls anything: classes and calls it does not know become inert.
// Format: Python's pickletools, protocols 2 to 4, the opcodes that PyTorch's own restricted reader
// knows and the few that protocol 4 adds.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "train/import/bytes.h"

namespace tinct {

struct PickleNode {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,   ///< also byte strings
    tuple,  ///< of items
    list,
    dict,     ///< items: key, value, key, value
    global,   ///< text: "module name"
    storage,  ///< a persistent id; items: its tuple
    tensor,   ///< items: the arguments of torch._utils._rebuild_tensor_v2
    opaque,   ///< the result of a call; text: what was called, where known
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;  ///< of an integer beyond 64 bits, its bytes
  std::vector<std::uint32_t> items;
};

/// Nodes refer to each other by index, so that nothing recurses, freeing included.
struct Pickle {
  std::deque<PickleNode> nodes;
  std::uint32_t top = 0;
  const PickleNode& operator[](std::uint32_t i) const { return nodes[i]; }
};

/// Runs to STOP and leaves the reader after it. Throws WeightsError with the offset for an opcode
/// that is not allowed and for more than 10 M operations, 1 M memos or strings beyond 1 MiB.
Pickle read_pickle(ByteReader& reader);

}  // namespace tinct
