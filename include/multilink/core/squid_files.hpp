// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/core/parent_seats.hpp"

namespace multilink {

/// Where the child listens besides, on 127.0.0.1, for this suite's own requests.
inline constexpr std::uint16_t kChildPort = kParentPortBase;

/// Pages that only this host's own requests for are led to a parent, which refuses them as any of its own host: one for each of
/// the two ways in which the child knows the parent that listens on this port.
std::vector<std::string> warm_up_urls(std::uint16_t port);

/// A page that is refused once the helper has answered: who asks for it on the child's own port has it start its helper.
inline constexpr std::string_view kWakeUpUrl = "http://127.0.0.1:2/";

/// What of this host goes into the configuration of the Squids.
struct SquidHost {
  std::string helper = {};                  ///< path of multilink-squid-helper
  std::vector<IpAddress> addresses = {};    ///< its own: nobody is led to them through a parent
  std::vector<IpAddress> nameservers = {};  ///< whom parents ask; empty: those of resolv.conf
};

/// A parent that is to run.
struct SquidParent {
  std::string uplink;
  unsigned seat = 0;
  std::string configuration;
};

/// The proxies that are to run: the child that users speak to, and one parent for each uplink.
struct SquidFiles {
  std::string child;
  std::vector<SquidParent> parents;
};

/// The configuration files of Squid 5.7, from the configuration (which has the proxy enabled) and the seats: the same for the
/// same. They hold nothing of the state of the uplinks, so that a failover rewrites no file: the helper tells Squid that.
///
/// The child asks the helper about each request, which answers with notes: `use` names the parent that serves it, `alt`
/// the one that does where that fails. Each parent is there twice as a peer: Squid takes one round-robin peer first, then one
/// weighted-round-robin peer. Without notes it goes by the second kind alone, by weight.
/// A configuration without what counts for requests alone that the helper chooses no parent for: weights and who is enabled.
/// Where nothing else has changed, a Squid that runs need not read it anew, which would fail a request or two.
std::string without_fallback(std::string_view configuration);

SquidFiles render_squid_files(const Config& config, const ParentSeats& seats, const SquidHost& host);

}  // namespace multilink
