// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "multilink/core/traffic_rhythm.hpp"

namespace multilink {

/// The kernel's packet counters of a device. Synchronous and cheap: a few microseconds a reading.
class TrafficCounters {
 public:
  virtual ~TrafficCounters() = default;

  /// None where there is no such device, or the kernel does not say.
  virtual std::optional<TrafficCount> read(unsigned link_index) = 0;
};

}  // namespace multilink
