// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/ports/log.hpp"

namespace spdlog {
class logger;
}

namespace multilink {

/// "debug", "info", "warning", "error"; nullopt for anything else.
std::optional<LogLevel> parse_log_level(std::string_view token);

enum class LogPlace : std::uint8_t {
  error_output,  ///< stderr
  syslog,        ///< /dev/log, where the journal listens: for a program whose stderr somebody throws away
};

/// The log, through spdlog. On stderr, under the journal (JOURNAL_STREAM is set) each line begins with its
/// syslog level, "<4>", which the journal takes off; elsewhere with the time of day and the level in words.
class SpdlogLog final : public Log {
 public:
  /// Without a listener at /dev/log, what goes there is lost.
  SpdlogLog(std::string_view name, LogLevel least, LogPlace place = LogPlace::error_output);
  ~SpdlogLog() override;
  void write(LogLevel level, std::string_view message) override;
  /// To the journal with each member of the event as a field: MULTILINK_UPLINK, MULTILINK_FROM, MULTILINK_TO …
  void transition(std::string_view message, const EventRecord& event) override;

 private:
  std::string name_;
  bool has_prefix_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace multilink
