// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "multilink/core/records.hpp"

namespace multilink {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Where a service's messages go. A function logs an error or returns it, never both.
class Log {
 public:
  virtual ~Log() = default;

  virtual void write(LogLevel level, std::string_view message) = 0;

  /// What happened, for people, and the event itself for programs that read the log, where it can keep both.
  virtual void transition(std::string_view message, const EventRecord& /*event*/) { info(message); }

  void debug(std::string_view message) { write(LogLevel::debug, message); }
  void info(std::string_view message) { write(LogLevel::info, message); }
  void warning(std::string_view message) { write(LogLevel::warning, message); }
  void error(std::string_view message) { write(LogLevel::error, message); }
};

}  // namespace multilink
