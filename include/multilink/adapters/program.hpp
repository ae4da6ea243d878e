// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "multilink/core/result.hpp"

namespace multilink {

struct ProgramEnd {
  int status = 0;      ///< its exit status; 128 + the signal that ended it
  std::string output;  ///< standard output and error, the first 64 KiB
};

/// Runs a program (a path, or a name of $PATH) without a shell, its standard input empty, and waits for its end. The Error: it could not be
/// started; the errno in `code`.
Result<ProgramEnd> run_program(const std::vector<std::string>& command);

}  // namespace multilink
