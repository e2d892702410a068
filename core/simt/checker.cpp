// The checked launch.
#include "core/simt/checker.h"

#include "core/simt/arena.h"

namespace tinct::simt {

const char* name(Fault fault) {
  switch (fault) {
    case Fault::out_of_bounds:
      return "out of bounds";
    case Fault::uninitialised:
      return "uninitialised read";
    case Fault::race:
      return "race";
    case Fault::divergent_barrier:
      return "divergent barrier";
    case Fault::absent_lane:
      return "absent lane";
    case Fault::mixed_collective:
      return "mixed collective";
    case Fault::host_pointer:
      return "host pointer";
    case Fault::misaligned:
      return "misaligned";
    case Fault::async_copy:
      return "copy under way";
    case Fault::endless:
      return "endless";
    case Fault::trap:
      return "trap";
  }
  return "?";
}

std::string to_string(const Finding& f) {
  std::string text = f.where + ": " + name(f.fault) + ": " + f.text;
  if (f.count > 1) text += " (" + std::to_string(f.count) + " times)";
  return text;
}

std::string place(Site site, const void*) {
  return site.line != 0 ? std::string(site.file) + ":" + std::to_string(site.line) : "?";
}

void run_checked(const Request&, const Order&, const std::function<void(Checker&)>& blocks) {
  Checker checker;
  try {
    blocks(checker);
  } catch (const Stopped& stopped) {
    throw KernelFault(to_string(stopped.finding));
  }
}

void kernel_access(const void*, std::size_t, Access, const void*) {}
void host_writes(const void*, std::size_t) {}
void host_reads(const void*, std::size_t) {}
void unchecked_launch() {}

}  // namespace tinct::simt
