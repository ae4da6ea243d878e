// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/adapters/redis_login.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/history_chart.hpp"
#include "multilink/core/status_snapshot.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Where to read the status from.
struct StatusSource {
  RedisAddress redis;
  std::string site;
  std::optional<RedisLogin> login;
  std::vector<std::string> config_problems = {};  ///< why the configuration file is refused; empty: it is not
  bool has_receiver = false;                      ///< somebody is to be told of events: notifyd is missed

  /// Puts into what Redis says what the configuration alone does.
  void complete(StatusSnapshot& snapshot) const;
};

/// The login that may read and nothing else, for members of the group multilink: the web server's user and
/// administrators.
inline constexpr const char* kReaderLoginPath = "/etc/multilink/credentials/reader";

/// Finds the Redis of the suite: `redis` if it is given, else what the configuration file says. The site is
/// the configuration's; with `redis` given and no file that says it, the default one. A file that is refused
/// for anything but these two is good enough: the status is wanted most where something is wrong. The
/// login is the service manager's credential or, for the configuration's Redis, the one in the file
/// `login_path`. All
/// that is wrong is returned as the lines to show, the file's own errors each with its line number.
tl::expected<StatusSource, std::vector<std::string>> find_status_source(
    const std::string& config_path, const std::optional<RedisAddress>& redis,
    const std::string& login_path = kReaderLoginPath);

/// Reads the status once, with the history of a range if one is given; an Error at the latest after `deadline`, with the
/// reason why Redis did not answer.
Result<StatusSnapshot> read_status(const StatusSource& source, Duration deadline,
                                   std::optional<ChartRange> range = std::nullopt);

/// What to do where Redis gives no answer: behind the reason, in the errors of run_on_redis() and AdminSession.
inline constexpr std::string_view kNoAnswerRemedy = "; see systemctl status multilink-redis";

/// Runs the commands once, in one batch: the replies, or an Error with a remedy at the latest after `deadline`.
Result<std::vector<Reply>> run_on_redis(const StatusSource& source, std::vector<Store::Command> commands,
                                        Duration deadline);
/// Likewise, for one who has a remedy of his own: the Error is the reason alone.
Result<std::vector<Reply>> try_on_redis(const StatusSource& source, std::vector<Store::Command> commands,
                                        Duration deadline);

}  // namespace multilink
