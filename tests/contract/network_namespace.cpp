// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "contract/check.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string read_to_end(int fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while ((size = read(fd, buffer.data(), buffer.size())) > 0) {
    out.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return out;
}

}  // namespace

NetworkNamespace::NetworkNamespace() : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  check(home_ >= 0, "opening the network namespace");
  check(unshare(CLONE_NEWNET) == 0, "making a network namespace");
}

NetworkNamespace::~NetworkNamespace() {
  (void)setns(home_, CLONE_NEWNET);
  close(home_);
}

namespace {

std::string run(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  check(pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, argv.front(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output = read_to_end(ends[0]);
  close(ends[0]);
  if (spawned != 0) throw std::system_error(spawned, std::generic_category(), words.front());
  int status = 0;
  check(waitpid(child, &status, 0) == child, "waitpid");
  if (status != 0) throw std::runtime_error(cat(join(words, " "), ": ", output));
  return output;
}

}  // namespace

std::string ip(const std::vector<std::string_view>& arguments) {
  std::vector<std::string> words{"ip"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run(std::move(words));
}

std::string nft(std::string_view commands) {
  return run({"nft", std::string(commands)});
}

}  // namespace multilink
