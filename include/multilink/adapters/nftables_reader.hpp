// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/packet_filter.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// What the kernel holds of the table `inet multilink`, by nfnetlink.
class NftablesReader {
 public:
  /// `socket` talks to NETLINK_NETFILTER and outlives this.
  explicit NftablesReader(NetlinkSocket& socket) : socket_(socket) {}

  /// The number of the ruleset: every transaction of anybody in the network namespace makes it another one.
  Result<std::uint32_t> generation();
  Result<PresentFilter> present();
  /// Whether a set of ours has an element, before its time is over.
  Result<bool> has_elements();
  /// All of the table that somebody could change, but for the tuples in its sets, as the kernel numbers and encodes it:
  /// two images of one kernel are equal if and only if nothing was changed in between. Empty: there is no such table.
  Result<std::string> image();

 private:
  struct Parts;
  Result<void> dump(int type, Parts& parts, std::string_view set = {});

  NetlinkSocket& socket_;
};

}  // namespace multilink
