// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "multilink/core/text.hpp"

namespace multilink::fakes {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Output goes to the files; an empty name leaves it where the test's own goes.
pid_t spawn(const ProgramCall& call, const std::string& out, const std::string& err) {
  auto argv = call.argv;
  std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const auto& [name, value] : call.environment) environment.push_back(cat(name, '=', value));
  const auto argv_pointers = pointers(argv);
  const auto environment_pointers = pointers(environment);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto redirect = [](const std::string& path, int flags, int to) {
    if (!path.empty()) dup2(open(path.c_str(), flags, 0600), to);
  };
  redirect("/dev/null", O_RDONLY, STDIN_FILENO);
  redirect(out, O_WRONLY | O_CREAT, STDOUT_FILENO);
  redirect(err, O_WRONLY | O_CREAT, STDERR_FILENO);
  execve(argv_pointers[0], argv_pointers.data(), environment_pointers.data());
  _exit(127);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

ProgramResult run_program(const ProgramCall& call) {
  const OwnDirectory directory;
  const std::string out = directory.path() + "/out";
  const std::string err = directory.path() + "/err";
  int status = 0;
  waitpid(spawn(call, out, err), &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
}

BackgroundProgram::BackgroundProgram(const ProgramCall& call) : pid_(spawn(call, "", "")) {}

BackgroundProgram::~BackgroundProgram() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

OwnDirectory::OwnDirectory() : path_("/tmp/multilink-test-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_);
}

OwnDirectory::~OwnDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string OwnDirectory::write(const std::string& name, const std::string& text) const {
  const std::string path = cat(path_, '/', name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace multilink::fakes
