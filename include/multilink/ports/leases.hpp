// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "multilink/core/dhcp_lease.hpp"

namespace multilink {

/// What the DHCP clients of this host have written down of their leases.
class Leases {
 public:
  virtual ~Leases() = default;

  /// All that can be read and understood, the oldest first, expired ones too. What cannot be read tells nothing: a
  /// lease is only ever the last resort. Synchronous and cheap where nothing has changed since the last call.
  virtual std::vector<DhcpLease> read() = 0;
  /// Calls `on_change` from the loop when leases may have changed, several changes folded into one call. Call once,
  /// before the first read, so that nothing falls between the two.
  virtual void watch(std::function<void()> on_change) = 0;
};

}  // namespace multilink
