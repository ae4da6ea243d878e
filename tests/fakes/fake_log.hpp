// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "multilink/ports/log.hpp"

namespace multilink::fakes {

/// Keeps the lines.
class FakeLog final : public Log {
 public:
  struct Line {
    LogLevel level;
    std::string message;
  };

  void write(LogLevel level, std::string_view message) override {
    lines.push_back({level, std::string(message)});
  }

  /// How many lines of at least this level hold `text`.
  std::size_t count(std::string_view text, LogLevel least = LogLevel::debug) const {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const Line& line) {
      return line.level >= least && line.message.find(text) != std::string::npos;
    }));
  }

  std::vector<Line> lines;
};

}  // namespace multilink::fakes
