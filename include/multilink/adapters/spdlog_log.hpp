// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "multilink/ports/log.hpp"

namespace spdlog {
class logger;
}

namespace multilink {

/// "debug", "info", "warning", "error"; nullopt for anything else.
std::optional<LogLevel> parse_log_level(std::string_view token);

/// The log on stderr, through spdlog. Under the journal (JOURNAL_STREAM is set) each line begins with its
/// syslog level, "<4>", which the journal takes off; elsewhere with the time of day and the level in words.
class SpdlogLog final : public Log {
 public:
  SpdlogLog(std::string_view name, LogLevel least);
  ~SpdlogLog() override;
  void write(LogLevel level, std::string_view message) override;

 private:
  bool in_journal_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace multilink
