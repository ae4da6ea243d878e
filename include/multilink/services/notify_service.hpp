// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "multilink/core/config.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/notifier.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/ports/supervisor.hpp"
#include "multilink/services/alert_queue.hpp"
#include "multilink/services/heartbeat.hpp"
#include "multilink/services/service.hpp"

namespace multilink {

/// Makes the receivers of a configuration.
struct NotifierFactory {
  std::function<std::unique_ptr<Notifier>(const std::string& path)> command;
  std::function<std::unique_ptr<Notifier>(const std::string& url)> webhook;
  std::function<std::unique_ptr<Notifier>(const std::vector<std::string>& addresses)> mail;
};

/// notifyd: tells the receivers of [notify] what the other daemons write into the stream of events. A process of its own,
/// so that no slow receiver touches a daemon that matters; it decides nothing and routes nothing: its messages leave by the
/// default route, which is on a usable uplink by then.
class NotifyService final : public Service {
 public:
  static constexpr Duration kSweep = std::chrono::seconds(1);

  /// All outlive the service.
  struct Parts {
    Scheduler& scheduler;
    Store& store;  ///< not yet started
    Supervisor& supervisor;
    Log& log;
  };
  /// `self`: pid and version, for the Heartbeat.
  NotifyService(const Parts& parts, NotifierFactory factory, const Config& config, DaemonRecord self);

  void start() override;
  /// A receiver whose address has changed is a new one; what was under way to the old one is broken off.
  void reload(const Config& config) override;
  void stop() override;

 private:
  struct Receiver {
    std::string address;
    std::unique_ptr<AlertQueue> queue;
  };

  void configure();
  void keep(std::string_view name, const std::string& address,
            const std::function<std::unique_ptr<Notifier>()>& make);
  void look();
  void schedule_sweep();

  Parts parts_;
  NotifierFactory factory_;
  Config config_;
  RedisKeys keys_;
  Heartbeat heartbeat_;
  std::map<std::string, Receiver, std::less<>> receivers_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
