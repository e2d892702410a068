// The machine code behind the hooks, read with objdump and searched for arithmetic.
#include "core/simt/flops.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "core/simt/checker.h"

extern "C" void __sanitizer_cov_trace_pc();  // NOLINT(bugprone-reserved-identifier)

namespace tinct::simt {
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

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

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
  if (starts_with(name, "v")) name.remove_prefix(1);
  for (const char* fused : {"fmadd", "fmsub", "fnmadd", "fnmsub"}) {
    if (starts_with(name, fused)) return 2 * lanes(name, operands);
  }
  for (const char* single : {"add", "sub", "mul", "div", "sqrt"}) {
    if (starts_with(name, single) && name.size() == std::strlen(single) + 2) {
      return lanes(name, operands);
    }
  }
  return 0;
}

// "<expf@plt>": functions of the math library that a card computes in many steps.
bool is_special(std::string_view operands) {
  const std::size_t begin = operands.find('<') + 1, end = operands.find("@plt>");
  if (begin == 0 || end == operands.npos) return false;
  std::string_view name = operands.substr(begin, end - begin);
  const auto known = [&] {
    constexpr const char* kNames[] = {"exp",   "exp2", "exp10", "expm1", "log",  "log2", "log10",
                                      "log1p", "pow",  "cbrt",  "sin",   "cos",  "tan",  "sinh",
                                      "cosh",  "tanh", "atan",  "atan2", "asin", "acos", "erf"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
  };
  if (known()) return true;
  if (name.empty() || name.back() != 'f') return false;
  name.remove_suffix(1);
  return known();
}

Instruction instruction(std::string_view name, const std::string& operands) {
  const auto hook = reinterpret_cast<std::uintptr_t>(&__sanitizer_cov_trace_pc) - load_address();
  const auto target = [&] { return std::strtoull(operands.c_str(), nullptr, 16); };
  Instruction i;
  if (starts_with(name, "call")) {
    i.special = is_special(operands);
    if (operands.find("<fmaf@plt>") != operands.npos ||
        operands.find("<fma@plt>") != operands.npos) {
      i.flops = 2;
    }
    if (target() == hook) i.kind = Instruction::end;
  } else if (starts_with(name, "jmp")) {
    i.kind = Instruction::jump;
    i.target = target();
  } else if (starts_with(name, "ret")) {
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

Code code_behind(const std::vector<Passes::Count>& passed) {
  Code code;
  for (std::size_t i = 0; i < passed.size();) {
    Range range;
    range.begin = reinterpret_cast<std::uintptr_t>(passed[i].pc) - load_address();
    do {
      range.end = reinterpret_cast<std::uintptr_t>(passed[i].pc) - load_address() + kReach;
    } while (++i < passed.size() &&
             reinterpret_cast<std::uintptr_t>(passed[i].pc) - load_address() < range.end);
    read_code(range, code);
  }
  return code;
}

// Follows the code from `at` to the next hook. A branch inside, of g++'s own making, is one around
// what is seldom needed (an unsigned 64-bit number's top bit on its way to a float): not taken.
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
  std::map<std::uintptr_t, FlopCount> counted;
  for (const Passes::Count& p : passed) {
    walk(code, reinterpret_cast<std::uintptr_t>(p.pc) - load_address(),
         [&](std::uintptr_t at, const Instruction& i) {
           if (i.flops == 0 && !i.special) return;
           counted[at].flops += p.passes * i.flops;
           counted[at].special += p.passes * i.special;
         });
  }
  // A lookup is of the byte before.
  const auto pc = [](std::uintptr_t at) {
    return reinterpret_cast<const void*>(at + load_address() + 1);
  };
  std::vector<const void*> pcs;
  for (const auto& [at, count] : counted) pcs.push_back(pc(at));
  look_up(pcs);
  for (auto& [at, count] : counted) {
    count.where = place({}, pc(at));
    add_line(report, count);
  }
}

}  // namespace tinct::simt
