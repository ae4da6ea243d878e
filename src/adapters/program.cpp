// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostOutput = 65536;

std::string read_all(int fd) {
  std::string out;
  std::array<char, 4096> chunk{};
  for (;;) {
    const auto size = read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return out;
    out.append(chunk.data(), std::min(static_cast<std::size_t>(size), kMostOutput - out.size()));
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<ProgramEnd> run_program(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(cat("no pipe: ", std::strerror(errno)), errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, words.front(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  ProgramEnd out;
  if (error == 0) out = {0, read_all(ends[0])};
  close(ends[0]);
  if (error != 0) return fail(cat(command.front(), " cannot be run: ", std::strerror(error)), error);
  out.status = wait_for(pid);
  return out;
}

}  // namespace multilink
