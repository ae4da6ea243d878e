// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/systemd_supervisor.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <string>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {

SystemdSupervisor::SystemdSupervisor(Scheduler& scheduler) : scheduler_(scheduler) {
  std::uint64_t period_us = 0;
  if (sd_watchdog_enabled(0, &period_us) > 0) {
    watchdog_period_ = std::chrono::microseconds(period_us / 2);
    pet();
  }
}

void SystemdSupervisor::pet() {
  sd_notify(0, "WATCHDOG=1");
  watchdog_ = scheduler_.after(watchdog_period_, [this] { pet(); });
}

void SystemdSupervisor::ready() {
  if (std::exchange(ready_, true)) return;
  sd_notify(0, "READY=1");
}

void SystemdSupervisor::status(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');  // a newline would begin another assignment
  sd_notify(0, cat("STATUS=", line).c_str());
}

void SystemdSupervisor::reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(scheduler_.now().mono.time_since_epoch());
  sd_notify(0, cat("RELOADING=1\nMONOTONIC_USEC=", now.count()).c_str());
}

void SystemdSupervisor::reloaded() {
  sd_notify(0, "READY=1");
}

void SystemdSupervisor::stopping() {
  sd_notify(0, "STOPPING=1");
}

}  // namespace multilink
