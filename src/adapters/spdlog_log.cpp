// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/spdlog_log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <sys/uio.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <vector>

#define SD_JOURNAL_SUPPRESS_LOCATION  // where in the source is no matter of who reads the log
#include <systemd/sd-journal.h>

#include "multilink/core/text.hpp"

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

/// systemd.journal-fields(7): capitals, digits and underscores.
std::string field_name(std::string_view name) {
  std::string out = "MULTILINK_";
  std::transform(name.begin(), name.end(), std::back_inserter(out),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return out;
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
    : name_(name),
      has_prefix_(place == LogPlace::error_output && std::getenv("JOURNAL_STREAM") != nullptr),
      logger_(std::make_shared<spdlog::logger>(std::string(name), make_sink(std::string(name), place))) {
  logger_->set_pattern(has_prefix_ ? "%v" : "%H:%M:%S.%e %n %l: %v");
  logger_->set_level(to_spdlog(least));
  logger_->flush_on(spdlog::level::debug);
}

SpdlogLog::~SpdlogLog() = default;

void SpdlogLog::write(LogLevel level, std::string_view message) {
  logger_->log(to_spdlog(level), "{}{}", has_prefix_ ? syslog_prefix(level) : "", message);
}

void SpdlogLog::transition(std::string_view message, const EventRecord& event) {
  if (!has_prefix_) return info(message);
  if (!logger_->should_log(spdlog::level::info)) return;
  std::vector<std::string> lines{cat("MESSAGE=", message), "PRIORITY=6", cat("SYSLOG_IDENTIFIER=", name_)};
  for (const auto& [field, value] : event.encode()) {
    if (!value.empty()) lines.push_back(cat(field_name(field), '=', value));
  }
  std::vector<iovec> parts;
  for (auto& line : lines) parts.push_back({line.data(), line.size()});
  if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) info(message);
}

}  // namespace multilink
