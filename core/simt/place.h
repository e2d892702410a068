// Where in the source code: from call sites and return addresses to "file:line", and where the
// running program keeps its constants and thread-local arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/simt/runtime.h"

namespace tinct::simt {

/// "kernels/max_pool.cu:41": the site where it has a line, else what the debug information says of
/// the call that returns to `pc`; of inlined calls the innermost outside the simulator's headers.
/// Needs addr2line of binutils; "?" without it.
std::string place(Site site, const void* pc);
/// Looks many up at once, which makes place() of each quick.
void look_up(const std::vector<const void*>& pcs);

struct Range {
  std::uintptr_t begin = 0, end = 0;
  bool holds(std::uintptr_t address, std::size_t bytes = 1) const {
    return address >= begin && address + bytes <= end;
  }
};

/// The program's read-only segments.
const std::vector<Range>& constants();
/// Its machine code.
Range code();
/// The calling thread's copy of the program's thread-local variables.
Range thread_locals();

/// The path of its file; "" when nobody knows.
std::string executable();
/// Where the program's first byte lies, beside where its file says.
std::uintptr_t load_address();

}  // namespace tinct::simt
