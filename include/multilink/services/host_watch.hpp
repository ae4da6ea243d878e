// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/host_plan.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/foreign_chains.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/sysctls.hpp"

namespace multilink {

/// The settings of the host, as routed tends them, and the packet filter of others, at which it looks.
struct HostPorts {
  Sysctls& sysctls;
  ChangedSettings& changed;
  ForeignChains& chains;
};

/// What came of one look at them.
struct HostOutcome {
  std::vector<std::string> done;      ///< the commands of sysctl(8) that do the same
  std::vector<std::string> warnings;  ///< in force, what was changed included
  std::vector<std::string> failed;    ///< what could not be restored, or not be remembered
};

/// Puts in force what plan_host() wants. Original values are remembered before anything is written; where that cannot be,
/// nothing is changed, and a warning says why.
HostOutcome tend_host(const Config& config, const KernelState& state, const HostPorts& ports,
                      const RoutingNumbers& numbers);
/// Gives every setting its original value back, also after a crash. An Error names the first that has not got it.
Result<std::vector<std::string>> restore_host(const KernelState& state, const HostPorts& ports);
/// What tend_host() would do, one command a line, and the warnings as comments; both may be none.
std::vector<std::string> preview_host(const Config& config, const KernelState& state, const HostPorts& ports,
                                      const RoutingNumbers& numbers);

/// The plan of routes and rules, and behind it that of settings; "nothing to change" only where both say so.
std::vector<std::string> with_host(std::vector<std::string> routes, std::vector<std::string> host);

/// Looks soon after each change of the configuration, of a device or an address, and every kEvery: settings change
/// without a sign (`sysctl --system`). Never in the way of a switch. Failures are logged when they come up.
class HostWatch {
 public:
  static constexpr Duration kSoon = std::chrono::milliseconds(100);
  static constexpr Duration kPause =
      std::chrono::seconds(1);  ///< at least, where devices come and go all the time
  static constexpr Duration kEvery = std::chrono::seconds(30);

  /// All must outlive the watch. `on_change` is called from the loop after the warnings have changed.
  HostWatch(Scheduler& scheduler, KernelReader& kernel, HostPorts ports, Log& log, RoutingNumbers numbers,
            std::function<void()> on_change);

  void set_config(const Config& config);
  /// The kernel as it is now: whether it is time to look.
  void see(const KernelState& state);
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void look_soon();
  void look_at(MonoTime when);
  void look();

  Scheduler& scheduler_;
  KernelReader& kernel_;
  HostPorts ports_;
  Log& log_;
  RoutingNumbers numbers_;
  std::function<void()> on_change_;
  Config config_;
  std::vector<Link> links_;             ///< when they were seen last
  std::vector<LinkAddress> addresses_;  ///< likewise
  std::vector<std::string> warnings_;
  std::vector<std::string> failed_;
  std::optional<MonoTime> looked_;
  MonoTime next_;  ///< look
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
