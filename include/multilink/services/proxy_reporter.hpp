// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "multilink/core/proxy_record.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// Writes the records of the parents into Redis: once a kPeriod where they have changed, in any case each kRefresh. They
/// vanish kTimeToLive after the last time: with the helper, and where an uplink leaves the configuration.
class ProxyReporter {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(1);
  static constexpr Duration kRefresh = std::chrono::seconds(5);
  static constexpr Duration kTimeToLive = std::chrono::seconds(15);

  using Records = std::map<std::string, ProxyRecord>;  ///< by uplink

  /// `now`: gives the records as they are. All must outlive this.
  ProxyReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys, std::function<Records()> now);

  void start();     ///< call once
  void on_ready();  ///< Redis is (back) there, maybe empty

 private:
  void write();

  Scheduler& scheduler_;
  Store& store_;
  RedisKeys keys_;
  Complaints complaints_;
  std::function<Records()> now_;
  Records written_;
  MonoTime refresh_due_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
