// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_events.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <utility>

#include "multilink/adapters/netlink_listener.hpp"

namespace multilink {
namespace {

/// Then the rest of the daemon gets its turn, whatever the kernel still has to tell.
constexpr int kMostReadsATurn = 4096;

bool is_anything(const KernelChange& change) {
  return change.links || change.addresses || change.routes || change.rules || change.overrun;
}

}  // namespace

struct NetlinkEvents::Impl {
  Impl(EventLoop& loop, Parse parse_message, OnChange call)
      : parse(std::move(parse_message)),
        listener(loop, "netlink", NETLINK_ROUTE,
                 {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                  RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE},
                 [this](const nlmsghdr& message) { take(message); }) {
    listener.watch([this, on_change = std::move(call)] {
      const auto change = read_all();
      if (is_anything(change)) on_change(change);  // which may end this
    });
  }

  void take(const nlmsghdr& message) {
    scratch = {};
    switch (parse(message, scratch)) {
      case Parsed::ignored:
        return;
      case Parsed::malformed:
        seen.overrun = true;
        return;
      case Parsed::taken:
        break;
    }
    seen.links |= !scratch.links.empty();
    seen.addresses |= !scratch.addresses.empty();
    seen.routes |= !scratch.routes.empty();
    seen.rules |= !scratch.rules.empty();
  }

  KernelChange read_all() {
    seen.overrun |= !listener.read(kMostReadsATurn);
    return std::exchange(seen, {});
  }

  Parse parse;
  KernelState scratch;  ///< of the message under way
  KernelChange seen;    ///< since the last call
  NetlinkListener listener;
};

NetlinkEvents::NetlinkEvents(EventLoop& loop, Parse parse, OnChange on_change)
    : impl_(std::make_unique<Impl>(loop, std::move(parse), std::move(on_change))) {}

NetlinkEvents::~NetlinkEvents() = default;

}  // namespace multilink
