// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string_view>

#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/supervisor.hpp"

namespace multilink {

/// sd_notify(3) of systemd; without $NOTIFY_SOCKET nothing happens. Where the unit has a WatchdogSec, it is
/// petted from the loop at half that period: a loop that hangs is noticed.
class SystemdSupervisor final : public Supervisor {
 public:
  explicit SystemdSupervisor(Scheduler& scheduler);

  void ready() override;
  void status(std::string_view text) override;
  /// The configuration is being read again / the daemon is about to end.
  void reloading();
  void reloaded();
  void stopping();

 private:
  void pet();

  Scheduler& scheduler_;
  Duration watchdog_period_{};  ///< 0: none
  std::unique_ptr<Timer> watchdog_;
  bool ready_ = false;
};

}  // namespace multilink
