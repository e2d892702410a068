// The machine code behind the hooks, read with objdump and searched for arithmetic.
#include "core/simt/flops.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "core/simt/checker.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __sanitizer_cov_trace_pc();

namespace tinct::simt {

constinit thread_local Passes* passing = nullptr;

namespace {

#if defined(__x86_64__)
constexpr bool kReadable = true;
#else
constexpr bool kReadable = false;
#endif

// Code behind the last hook that belongs to it; hooks closer than that are read together.
constexpr std::uintptr_t kReach = 16384;

struct Instruction {
  enum Kind : std::uint8_t { plain, jump, end } kind = plain;
  bool special = false;
  unsigned flops = 0;
  std::uintptr_t target = 0;  ///< of a jump; 0: known to nobody
};

/// By address in the program's file.
using Code = std::map<std::uintptr_t, Instruction>;

// Lanes of addss, addpd and their like by the last two letters; 0 for what is not of floats.
unsigned lanes(std::string_view name, std::string_view operands) {
  if (name.size() < 2) return 0;
  const std::string_view kind = name.substr(name.size() - 2);
  if (kind == "ss" || kind == "sd") return 1;
  if (kind != "ps" && kind != "pd") return 0;
  const unsigned bytes = operands.find("%zmm") != operands.npos   ? 64
                         : operands.find("%ymm") != operands.npos ? 32
                                                                  : 16;
  return bytes / (kind == "ps" ? 4 : 8);
}

// Sums, differences, products, quotients and roots are one operation a lane, fused ones two.
unsigned flops_of(std::string_view name, std::string_view operands) {
  if (name.starts_with("v")) name.remove_prefix(1);
  for (const char* fused : {"fmadd", "fmsub", "fnmadd", "fnmsub"}) {
    if (name.starts_with(fused)) return 2 * lanes(name, operands);
  }
  for (const char* single : {"add", "sub", "mul", "div", "sqrt"}) {
    if (name.starts_with(single) && name.size() == std::strlen(single) + 2) {
      return lanes(name, operands);
    }
  }
  return 0;
}

// "1f30 <expf@plt>" is expf; "" when it is no library's function.
std::string_view library_function(std::string_view operands) {
  const std::size_t open = operands.find('<'), end = operands.find("@plt>");
  if (open == operands.npos || end == operands.npos) return {};
  return operands.substr(open + 1, end - open - 1);
}

// What a card computes in many steps, of float with an f behind the name.
bool is_special(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "exp", "exp2", "exp10", "expm1", "log",  "log2", "log10", "log1p", "pow",   "cbrt", "sin",
      "cos", "tan",  "asin",  "acos",  "atan", "sinh", "cosh",  "tanh",  "atan2", "erf"};
  return std::any_of(std::begin(kNames), std::end(kNames), [=](std::string_view known) {
    return name.starts_with(known) &&
           (name.size() == known.size() || name.substr(known.size()) == "f");
  });
}

Instruction instruction(std::string_view name, const std::string& operands) {
  static const std::uintptr_t hook =
      reinterpret_cast<std::uintptr_t>(&__sanitizer_cov_trace_pc) - load_address();
  const std::uintptr_t target = std::strtoull(operands.c_str(), nullptr, 16);
  Instruction i;
  if (name.starts_with("call")) {
    if (target == hook) i.kind = Instruction::end;
    const std::string_view function = library_function(operands);
    i.special = is_special(function);
    i.flops = function == "fmaf" || function == "fma" ? 2 : 0;
  } else if (name.starts_with("jmp")) {
    i.kind = Instruction::jump;
    i.target = target;
  } else if (name.starts_with("ret")) {
    i.kind = Instruction::end;
  } else {
    i.flops = flops_of(name, operands);
  }
  return i;
}

// objdump prints "   1f2a:\tmulss  (%r12),%xmm0".
void read_code(Range range, Code& to) {
  char command[4352];
  std::snprintf(command, sizeof command,
                "objdump -d --no-show-raw-insn --start-address=%#zx --stop-address=%#zx '%s' "
                "2>/dev/null",
                range.begin, range.end, executable().c_str());
  std::FILE* output = popen(command, "r");
  if (output == nullptr) return;
  char line[4096];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    char* rest = nullptr;
    const std::uintptr_t address = std::strtoull(line, &rest, 16);
    if (rest == line || rest[0] != ':' || rest[1] != '\t') continue;
    rest += 2;
    const std::size_t length = std::strcspn(rest, " \n");
    const char* operands = rest + length + std::strspn(rest + length, " ");
    to[address] = instruction({rest, length}, operands);
  }
  pclose(output);
}

std::uintptr_t address_in_file(const void* pc) {
  return reinterpret_cast<std::uintptr_t>(pc) - load_address();
}

Code code_behind(const std::vector<Passes::Count>& passed) {
  Code code;
  for (auto p = passed.begin(); p != passed.end();) {
    Range range{address_in_file(p->pc), 0};
    do {
      range.end = address_in_file(p->pc) + kReach;
      ++p;
    } while (p != passed.end() && address_in_file(p->pc) < range.end);
    read_code(range, code);
  }
  return code;
}

// Follows the code from `at` to the next hook. A branch inside, of g++'s own making, is one around
// what is seldom needed (an unsigned 64-bit number's top bit on its way to a float, the floor of
// what has no fraction): not taken.
template <class F>
void walk(const Code& code, std::uintptr_t at, F&& visit) {
  auto i = code.find(at);
  for (std::size_t steps = 0; i != code.end() && steps < code.size(); ++steps) {
    if (i->second.kind == Instruction::end) return;
    if (i->second.kind == Instruction::jump) {
      i = code.find(i->second.target);
      continue;
    }
    visit(i->first, i->second);
    ++i;
  }
}

}  // namespace

std::vector<Passes::Count> Passes::passed() const {
  std::vector<Count> some;
  std::copy_if(counts_.begin(), counts_.end(), std::back_inserter(some),
               [](const Count& c) { return c.passes > 0; });
  return some;
}

void add_flops(Report& report, const Passes& passes) {
  if (!kReadable) return;
  const std::vector<Passes::Count> passed = passes.passed();
  const Code code = code_behind(passed);
  report.flops_counted = passed.empty() || !code.empty();
  std::map<const void*, FlopCount> counted;
  for (const Passes::Count& p : passed) {
    walk(code, address_in_file(p.pc), [&](std::uintptr_t at, const Instruction& i) {
      if (i.flops == 0 && !i.special) return;
      // A lookup is of the byte before.
      FlopCount& to = counted[reinterpret_cast<const void*>(at + load_address() + 1)];
      to.flops += p.passes * i.flops;
      to.special += p.passes * i.special;
    });
  }
  std::vector<const void*> pcs;
  for (const auto& [pc, count] : counted) pcs.push_back(pc);
  look_up(pcs);
  for (auto& [pc, count] : counted) {
    count.where = place({}, pc);
    add_line(report, count);
  }
}

}  // namespace tinct::simt
