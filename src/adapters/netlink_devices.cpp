// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_devices.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <optional>
#include <utility>

#include "multilink/adapters/netlink_attributes.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Rules = NetlinkAttributes::Rules;

std::string kind_in(std::span<const std::byte> info) {
  static constexpr Rules kRules = [] {
    Rules rules{};
    rules[IFLA_INFO_KIND] = {1, 64, true};
    return rules;
  }();
  const auto attributes = NetlinkAttributes::of_bytes(info, kRules);
  return attributes && attributes->has(IFLA_INFO_KIND) ? attributes->text(IFLA_INFO_KIND) : std::string();
}

std::optional<DeviceKind> parse_device(const nlmsghdr& message) {
  static constexpr Rules kRules = [] {
    Rules rules{};
    rules[IFLA_MASTER] = {4, 4, false};
    return rules;
  }();
  const auto header = header_of<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || !header || header->ifi_family != AF_UNSPEC ||
      header->ifi_index <= 0)
    return std::nullopt;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof *header, kRules);
  if (!attributes) return std::nullopt;
  DeviceKind out{static_cast<unsigned>(header->ifi_index)};
  if (attributes->has(IFLA_LINKINFO)) out.kind = kind_in(attributes->bytes(IFLA_LINKINFO));
  out.master = attributes->value_or<std::uint32_t>(IFLA_MASTER, 0);
  return out;
}

}  // namespace

Result<std::vector<DeviceKind>> read_device_kinds() {
  constexpr int kMostAttempts = 10;
  NetlinkSocket socket;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto request = link_dump_request();
    if (!request) return tl::unexpected<Error>(request.error());
    std::vector<DeviceKind> out;
    const auto complete = socket.dump(std::move(*request), [&](const nlmsghdr& message) {
      if (auto device = parse_device(message)) out.push_back(*std::move(device));
    });
    if (!complete) {
      return fail(cat("netlink: reading the kinds of devices: ", complete.error().message),
                  complete.error().code);
    }
    if (*complete) return out;
  }
  return fail("netlink: the devices change too fast to be read; try again");
}

}  // namespace multilink
