// Reading the table of ptxas, and finding a kernel in it.
#include "tools/ptxas_table.h"

#include <algorithm>
#include <sstream>

namespace tinct {
namespace {

std::vector<std::string> columns(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> parts;
  for (std::string part; std::getline(stream, part, '\t');) parts.push_back(part);
  return parts;
}

std::vector<PtxasRow> read_table() {
  std::vector<PtxasRow> rows;
  std::istringstream lines(ptxas_text());
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> c = columns(line);
    if (c.size() != 7 || c[0] == "file") continue;
    rows.push_back({c[0], short_kernel_name(c[1]), std::stoi(c[2]), std::stoi(c[3]),
                    std::stoi(c[4]), std::stoi(c[5]), std::stoi(c[6])});
  }
  return rows;
}

void erase_all(std::string& text, const std::string& word) {
  for (std::size_t at; (at = text.find(word)) != std::string::npos;) text.erase(at, word.size());
}

// Without "(int, float*)" at the end.
void erase_parameters(std::string& name) {
  if (name.empty() || name.back() != ')') return;
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && --depth == 0) {
      name.erase(i);
      return;
    }
  }
}

}  // namespace

std::string short_kernel_name(std::string name) {
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  for (const char* space :
       {"tinct::gpu_checked::", "tinct::gpu::", "(anonymous namespace)::", "(tinct::Activation)"}) {
    erase_all(name, space);
  }
  erase_parameters(name);
  return name;
}

std::string ptxas_architecture() {
  const std::string text = ptxas_text();
  const std::size_t begin = text.find("sm_");
  return begin == std::string::npos ? "" : text.substr(begin, text.find(',', begin) - begin);
}

const std::vector<PtxasRow>& ptxas_table() {
  static const std::vector<PtxasRow> table = read_table();
  return table;
}

const PtxasRow* find_ptxas_row(const std::string& kernel, const std::vector<std::string>& files) {
  std::vector<const PtxasRow*> named;
  for (const PtxasRow& row : ptxas_table()) {
    if (row.kernel == kernel) named.push_back(&row);
  }
  for (const std::string& file : files) {
    for (const PtxasRow* row : named) {
      if (row->file == file) return row;
    }
  }
  // A kernel in a header is the same wherever it was compiled.
  const bool same = std::all_of(named.begin(), named.end(), [&](const PtxasRow* row) {
    return row->registers == named[0]->registers && row->shared == named[0]->shared &&
           row->stack == named[0]->stack;
  });
  return same && !named.empty() ? named[0] : nullptr;
}

}  // namespace tinct
