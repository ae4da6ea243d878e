// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/spdlog_log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace multilink {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

/// sd-daemon(3): what the journal reads as the line's priority.
std::string_view syslog_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warning:
      return "<4>";
    case LogLevel::error:
      break;
  }
  return "<3>";
}

spdlog::sink_ptr make_sink(std::string name, LogPlace place) {
  if (place == LogPlace::error_output) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  constexpr bool kByPattern = false;  // syslog has time and level of its own
  return std::make_shared<spdlog::sinks::syslog_sink_mt>(std::move(name), LOG_PID, LOG_DAEMON, kByPattern);
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view token) {
  if (token == "debug") return LogLevel::debug;
  if (token == "info") return LogLevel::info;
  if (token == "warning") return LogLevel::warning;
  if (token == "error") return LogLevel::error;
  return std::nullopt;
}

SpdlogLog::SpdlogLog(std::string_view name, LogLevel least, LogPlace place)
    : has_prefix_(place == LogPlace::error_output && std::getenv("JOURNAL_STREAM") != nullptr),
      logger_(std::make_shared<spdlog::logger>(std::string(name), make_sink(std::string(name), place))) {
  logger_->set_pattern(has_prefix_ ? "%v" : "%H:%M:%S.%e %n %l: %v");
  logger_->set_level(to_spdlog(least));
  logger_->flush_on(spdlog::level::debug);
}

SpdlogLog::~SpdlogLog() = default;

void SpdlogLog::write(LogLevel level, std::string_view message) {
  logger_->log(to_spdlog(level), "{}{}", has_prefix_ ? syslog_prefix(level) : "", message);
}

}  // namespace multilink
