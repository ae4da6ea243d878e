// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/records.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/ports/supervisor.hpp"
#include "multilink/services/service.hpp"

namespace multilink {

/// Exit statuses of every executable (after sysexits.h).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitConfig = 78;

/// What the runner hands to a daemon's own part. All live as long as the service does.
struct DaemonParts {
  EventLoop& loop;
  Log& log;
  Supervisor& supervisor;
  Store& store;          ///< not yet started: the service starts it with its channels
  const Config& config;  ///< the one in force at the start
  std::string boot;      ///< 8 hex digits of the kernel's boot id
  DaemonRecord self;     ///< for the Heartbeat: pid and version
};

/// An option beyond the common ones, e.g. routed's --plan: it runs instead of the daemon.
struct DaemonAction {
  std::string_view option;  ///< without the dashes
  std::string_view help;
  std::function<int(DaemonParts&)> run;  ///< gives the exit status
  /// Without: no file is read, the action gets an empty configuration and Redis' defaults.
  bool needs_config = true;
};

struct DaemonSpec {
  std::string_view name;
  std::string_view summary;  ///< one line for --help
  std::function<std::unique_ptr<Service>(DaemonParts&)> make;
  std::vector<DaemonAction> actions = {};
};

/// The whole life of a daemon: options (--config, --redis, --check, --log-level, --version, --help),
/// configuration (78 when it is refused), logging to stderr, SIGTERM and SIGINT (orderly end), SIGHUP
/// (re-read; a bad file changes nothing), watchdog and READY for the service manager, the loop. Refuses to run
/// beside another instance (InstanceLock). Catches every exception once and maps it to an exit status.
int run_daemon(int argc, char** argv, const DaemonSpec& spec);

}  // namespace multilink
