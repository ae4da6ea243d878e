// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace multilink::fakes {

/// argv, and the whole environment (PATH alone where nothing is given).
struct ProgramCall {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment = {};
};

struct ProgramResult {
  int status = -1;  ///< the exit status, or 128 + the signal that ended it
  std::string out;
  std::string err;
};

/// Runs a program to its end, standard input empty.
ProgramResult run_program(const ProgramCall& call);

/// A program in the background: ends with this object, and also when the thread that started it dies.
class BackgroundProgram {
 public:
  explicit BackgroundProgram(const ProgramCall& call);
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;
  ~BackgroundProgram();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// A directory of the test's own below /tmp, removed with everything in it.
class OwnDirectory {
 public:
  OwnDirectory();
  OwnDirectory(const OwnDirectory&) = delete;
  OwnDirectory& operator=(const OwnDirectory&) = delete;
  ~OwnDirectory();

  const std::string& path() const { return path_; }
  /// Writes a file into it, and gives its whole path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

}  // namespace multilink::fakes
