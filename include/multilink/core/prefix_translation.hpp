// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <string>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// What leaves with a source in `inside` bears the same host bits in `outside` (as RFC 6296 does it, but with
/// connection tracking instead of a checksum-neutral mapping). IPv6, both of the same length and without host bits.
struct PrefixTranslation {
  IpPrefix inside;
  IpPrefix outside;

  std::string to_string() const;  ///< "fd00:1::/56 > 2001:db8:1::/56", as the configuration has it

  auto operator<=>(const PrefixTranslation&) const = default;
};

}  // namespace multilink
