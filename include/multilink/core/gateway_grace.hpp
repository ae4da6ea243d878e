// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "multilink/core/time.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// Gives up the IPv6 gateways of which nobody tells any more.
///
/// A router that announces the lifetime 0, or none again in time, is no default router from then on (RFC 4861,
/// 6.3.4): the kernel takes its default away. But programs that hold the routes themselves take theirs away and
/// put them back when they restart, and to act on that would cut connections that live on. So a gateway that
/// only our own routes name (UplinkFacts::PerFamily::remembered) is believed in for kGrace yet; should the router
/// be dead, the probes find out sooner than that. Not to be believed in counts until somebody names it again.
class GatewayGrace {
 public:
  static constexpr Duration kGrace = std::chrono::seconds(2);

  /// Takes from `facts` of the uplink with this device (as configured) what is to be believed in no longer. Gives
  /// when to observe again, where a gateway is on probation.
  std::optional<MonoTime> apply(const std::string& device, UplinkFacts& facts, MonoTime now);

 private:
  std::map<std::pair<std::string, Family>, MonoTime> since_;
};

}  // namespace multilink
