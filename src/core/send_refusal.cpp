// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/send_refusal.hpp"

#include <cerrno>

#include "multilink/core/text.hpp"

namespace multilink {

std::string remedy_for_refusal(int code, std::string_view device, const IpAddress& target) {
  const bool v6 = target.family() == Family::v6;
  switch (code) {
    case EPERM:
      return cat("a firewall rule of this host drops it: let ICMP", v6 ? "v6" : "",
                 " echo requests leave by ", device, " (nft list ruleset)");
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EACCES:
    case EINVAL:
      return cat("the device is down, or routing forbids it: see ip link show dev ", device, " and ip",
                 v6 ? " -6" : "", " route get ", target.to_string(), " oif ", device);
    case ENODEV:
    case ENXIO:
    case ENETDOWN:
      return cat("the device ", device, " has just gone or been set down");
    case ENOBUFS:
    case EAGAIN:
    case ENOMEM:
      return cat("the queue of ", device, " or the memory is full: see tc -s qdisc show dev ", device);
    default:
      return "see the message for the cause";
  }
}

}  // namespace multilink
