// The symbol table of the running program, read from its own file.
#include "core/simt/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "core/simt/place.h"

namespace tinct::simt {
namespace {

struct Symbols {
  std::vector<SharedArray> arrays;
  std::map<std::uintptr_t, std::string> functions;  ///< mangled, by address in the file
};

std::string demangled(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : symbol;
  std::free(text);
  return name;
}

// "_ZZN5tinct...E4tile" is tile.
std::string array_name(const char* symbol) {
  const std::string name = demangled(symbol);
  const std::size_t colon = name.rfind("::");
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void add(const ElfW(Sym) & symbol, const char* name, Symbols& to) {
  if (symbol.st_size == 0) return;
  const unsigned kind = symbol.st_info & 0xF;
  if (kind == STT_TLS) to.arrays.push_back({array_name(name), symbol.st_value, symbol.st_size});
  if (kind == STT_FUNC) to.functions.emplace(symbol.st_value, name);
}

Symbols read_symbols() {
  Symbols symbols;
  const std::vector<char> file = read_file("/proc/self/exe");
  ElfW(Ehdr) header;
  if (file.size() < sizeof header) return symbols;
  std::memcpy(&header, file.data(), sizeof header);
  const auto section = [&](std::size_t i) {
    ElfW(Shdr) s{};
    const std::size_t at = header.e_shoff + i * header.e_shentsize;
    if (at + sizeof s <= file.size()) std::memcpy(&s, file.data() + at, sizeof s);
    return s;
  };
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto table = section(i);
    if (table.sh_type != SHT_SYMTAB) continue;
    const auto names = section(table.sh_link);
    for (std::size_t at = 0; at + sizeof(ElfW(Sym)) <= table.sh_size; at += sizeof(ElfW(Sym))) {
      ElfW(Sym) symbol;
      std::memcpy(&symbol, file.data() + table.sh_offset + at, sizeof symbol);
      add(symbol, file.data() + names.sh_offset + symbol.st_name, symbols);
    }
  }
  std::sort(symbols.arrays.begin(), symbols.arrays.end(),
            [](const SharedArray& a, const SharedArray& b) { return a.offset < b.offset; });
  return symbols;
}

const Symbols& symbols() {
  static const Symbols symbols = read_symbols();
  return symbols;
}

}  // namespace

const std::vector<SharedArray>& shared_arrays() {
  return symbols().arrays;
}

std::string function_name(const void* function) {
  const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(function) - load_address();
  const auto found = symbols().functions.find(at);
  return found == symbols().functions.end() ? "?" : demangled(found->second);
}

}  // namespace tinct::simt
