// Return addresses become source lines through addr2line, many at a time and each once.
#include "core/simt/place.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

namespace tinct::simt {
namespace {

struct Program {
  std::uintptr_t base = 0;
  std::vector<Range> constants;
  Range code;
  std::size_t thread_local_bytes = 0;
};

// The first object that dl_iterate_phdr names is the program itself.
int read_program(dl_phdr_info* info, std::size_t, void* to) {
  Program& program = *static_cast<Program*>(to);
  program.base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && (header.p_flags & PF_W) == 0) {
      program.constants.push_back({begin, begin + header.p_memsz});
    }
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) {
      program.code = {begin, begin + header.p_memsz};
    }
    if (header.p_type == PT_TLS) program.thread_local_bytes = header.p_memsz;
  }
  return 1;
}

const Program& program() {
  static const Program program = [] {
    Program p;
    dl_iterate_phdr(read_program, &p);
    return p;
  }();
  return program;
}

// "/home/me/tinct/build/../kernels/a.cu", and "../../kernels/a.cu" of a build folder, as the
// repository knows it. A line number may follow.
std::string shortened(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  const std::string root = TINCT_SOURCE_DIR "/";
  if (text.rfind(root, 0) == 0) text.erase(0, root.size());
  while (text.rfind("../", 0) == 0) text.erase(0, 3);
  return text;
}

std::mutex cache_mutex;
std::map<const void*, std::string>& cache() {
  static auto* places = new std::map<const void*, std::string>;
  return *places;
}

// addr2line -a -i prints an address, then a frame a line from the innermost out.
void read_frames(std::FILE* from, const std::vector<const void*>& pcs) {
  char line[8192];
  std::size_t next = 0;
  std::string* place = nullptr;
  bool settled = false;
  while (std::fgets(line, sizeof line, from) != nullptr) {
    std::string text(line);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.rfind("0x", 0) == 0) {
      if (next == pcs.size()) return;
      place = &cache()[pcs[next++]];
      settled = false;
      continue;
    }
    if (place == nullptr || settled) continue;
    if (const std::size_t remark = text.find(" (discriminator"); remark != std::string::npos) {
      text.erase(remark);
    }
    if (text.rfind("??", 0) == 0) text = "?";
    text = shortened(text);
    settled = text.find("core/simt/") == std::string::npos;
    if (place->empty() || settled) *place = text;
  }
}

}  // namespace

void look_up(const std::vector<const void*>& pcs) {
  const std::lock_guard lock(cache_mutex);
  std::vector<const void*> unknown;
  for (const void* pc : pcs) {
    if (pc != nullptr && cache().count(pc) == 0) unknown.push_back(pc);
  }
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
  constexpr std::size_t kAtOnce = 1000;  // keeps the command line short
  for (std::size_t first = 0; first < unknown.size(); first += kAtOnce) {
    const std::vector<const void*> part(
        unknown.begin() + static_cast<long>(first),
        unknown.begin() + static_cast<long>(std::min(first + kAtOnce, unknown.size())));
    std::string command = "addr2line -a -i -e '" + executable() + "'";
    for (const void* pc : part) {
      char text[32];
      // One byte back lies inside the call.
      std::snprintf(text, sizeof text, " %#zx",
                    reinterpret_cast<std::uintptr_t>(pc) - program().base - 1);
      command += text;
    }
    command += " 2>/dev/null";
    if (std::FILE* output = popen(command.c_str(), "r"); output != nullptr) {
      read_frames(output, part);
      pclose(output);
    }
    for (const void* pc : part) {
      if (cache()[pc].empty()) cache()[pc] = "?";
    }
  }
}

std::string place(Site site, const void* pc) {
  if (site.line != 0) return shortened(site.file) + ":" + std::to_string(site.line);
  if (pc == nullptr) return "?";
  look_up({pc});
  const std::lock_guard lock(cache_mutex);
  return cache()[pc];
}

const std::vector<Range>& constants() {
  return program().constants;
}

Range thread_locals() {
  struct Found {
    std::uintptr_t begin = 0;
  } found;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        static_cast<Found*>(to)->begin = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
        return 1;
      },
      &found);
  if (found.begin == 0) return {};
  return {found.begin, found.begin + program().thread_local_bytes};
}

Range code() {
  return program().code;
}

std::string executable() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "";
}

std::uintptr_t load_address() {
  return program().base;
}

}  // namespace tinct::simt
