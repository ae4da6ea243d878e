// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/ports/traffic_counters.hpp"

namespace multilink {

/// The TrafficCounters of this host by RTM_GETSTATS (rtnetlink(7); Linux 4.7): one small message each way, where sysfs
/// would show the devices of whatever network namespace it was mounted in.
class NetlinkCounters final : public TrafficCounters {
 public:
  NetlinkCounters();  ///< throws std::system_error when there is no netlink
  NetlinkCounters(const NetlinkCounters&) = delete;
  NetlinkCounters& operator=(const NetlinkCounters&) = delete;
  ~NetlinkCounters() override;

  std::optional<TrafficCount> read(unsigned link_index) override;

 private:
  int socket_;
  unsigned sequence_ = 0;
};

}  // namespace multilink
