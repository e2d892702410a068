// What a shell cannot do for the acceptance scripts beside it.
//
// tinct_acceptance enlarge IN OUT WIDTH HEIGHT: a picture at another size, as JPEG.
// tinct_acceptance measure COMMAND ARGUMENT…: runs it, its output thrown away, and prints seconds
// and peak resident MiB. The exit status is the command's.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include "train/image.h"
#include "train/resize.h"

using namespace tinct;

namespace {

int enlarge(char** words) {
  const Image picture = load_image(words[0]);
  save_jpeg(words[1], resize(picture, std::stoul(words[3]), std::stoul(words[2])), 92);
  return 0;
}

int measure(char** command) {
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execvp(command[0], command);
    std::perror(command[0]);
    _exit(127);
  }
  int status = 0;
  rusage use{};
  if (child < 0 || wait4(child, &status, 0, &use) != child) return 127;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%.2f %.0f\n", seconds.count(), static_cast<double>(use.ru_maxrss) / 1024);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  try {
    if (verb == "enlarge" && argc == 6) return enlarge(argv + 2);
    if (verb == "measure" && argc > 2) return measure(argv + 2);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tinct_acceptance: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr,
               "usage: tinct_acceptance enlarge IN OUT WIDTH HEIGHT | measure COMMAND ARGUMENT…\n");
  return 2;
}
