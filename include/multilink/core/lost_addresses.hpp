// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <map>
#include <set>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// One uplink's addresses of a family.
struct AddressOwner {
  Family family = Family::v4;
  unsigned uplink = 0;  ///< its index

  auto operator<=>(const AddressOwner&) const = default;
};

/// What an uplink can send from; empty while its device is away or down.
using UplinkAddresses = std::map<AddressOwner, std::set<IpAddress>>;

/// With the address of an uplink, or its device, the kernel forgets the connections that were masqueraded behind it. What comes
/// on such a connection from its client then belongs to none, and is passed on under an address that the far end does not know.
/// That may be another one of this host's, and stays so when the uplink's own is back.
///
/// Pure: tells for which families, and of which uplinks, there may be such connections.
class LostAddresses {
 public:
  struct Change {
    std::set<Family> begins;              ///< an address has gone: from now on
    std::set<Family> ends;                ///< all that had gone are back: what lives can go on
    std::set<AddressOwner> appears = {};  ///< who has an address that it had not before
    std::set<AddressOwner> loses = {};    ///< who has one no more
  };

  /// At each look. The first one tells nothing.
  Change see(const UplinkAddresses& now);

 private:
  UplinkAddresses before_;
  UplinkAddresses lost_;
};

}  // namespace multilink
