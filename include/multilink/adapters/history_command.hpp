// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl history` and `multilinkctl report` were asked for, as it was written; what is not given is empty.
struct HistoryRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  std::string uplink;                 ///< by name
  std::string hours;                  ///< history: the minutes of so many
  std::string days;                   ///< history: the hours of so many
  std::string month;                  ///< report: "2026-11"
  bool json = false;
  bool csv = false;
  bool html = false;
};

/// The history of the uplink, both families, up to now: the text to print.
tl::expected<std::string, CommandFailure> run_history(const HistoryRequest& request, Duration deadline);
/// How good the uplink was in that month: the text to print.
tl::expected<std::string, CommandFailure> run_report(const HistoryRequest& request, Duration deadline);

}  // namespace multilink
