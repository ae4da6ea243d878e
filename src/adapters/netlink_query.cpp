// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_query.hpp"

#include <linux/rtnetlink.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "multilink/adapters/netlink_attributes.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// The answer in the message; nullopt when it is none.
std::optional<KernelAnswer> parse_answer(const nlmsghdr& message, const KernelState& links) {
  static constexpr NetlinkAttributes::Rules kRules = [] {
    NetlinkAttributes::Rules rules{};
    rules[RTA_TABLE] = rules[RTA_OIF] = {4, 4, false};
    rules[RTA_VIA] = {sizeof(std::uint16_t), 64, false};
    return rules;
  }();
  const auto header = header_of<rtmsg>(message);
  const auto family = header ? family_of_af(header->rtm_family) : std::nullopt;
  if (message.nlmsg_type != RTM_NEWROUTE || !family) return std::nullopt;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof *header, kRules);
  if (!attributes) return std::nullopt;
  KernelAnswer out;
  out.local = header->rtm_type == RTN_LOCAL;
  out.special = !out.local && header->rtm_type != RTN_UNICAST;
  out.table = attributes->value_or<std::uint32_t>(RTA_TABLE, header->rtm_table);
  if (attributes->has(RTA_OIF)) {
    const Link* link = links.link_at(attributes->value<std::uint32_t>(RTA_OIF));
    if (link != nullptr) out.device = link->name;
  }
  if (attributes->has(RTA_GATEWAY)) out.gateway = attributes->address(RTA_GATEWAY, *family);
  if (attributes->has(RTA_VIA)) {
    const auto via = family_of_af(attributes->value<std::uint16_t>(RTA_VIA));
    if (!via) return std::nullopt;
    out.gateway = address_of_bytes(attributes->bytes(RTA_VIA).subspan(sizeof(std::uint16_t)), *via);
  }
  return out;
}

/// How a lookup ends that the kernel answers with this error; nullopt where the error is about the question.
std::optional<LookupEnd> end_of(int code) {
  switch (code) {
    case ENETUNREACH:
      return LookupEnd::no_route;
    case EHOSTUNREACH:
      return LookupEnd::unreachable;
    case EINVAL:
      return LookupEnd::blackhole;
    case EACCES:
      return LookupEnd::prohibited;
    default:
      return std::nullopt;
  }
}

/// What the kernel has against a packet that comes in, whatever its tables say; empty: nothing of the kind.
std::string objection_of(int code, const Flow& flow) {
  if (flow.iif.empty()) return {};
  if (code == EXDEV) {
    return cat("it drops such a packet: by rp_filter of ", flow.iif,
               " the source counts as forged, for the way back is another one");
  }
  return code == EINVAL ? cat("it drops such a packet: no such source comes in by ", flow.iif)
                        : std::string();
}

}  // namespace

NetlinkQuery::NetlinkQuery(Log& log, RoutingNumbers numbers) : reader_(socket_, log, numbers) {}

Result<KernelState> NetlinkQuery::state() {
  return reader_.everything();
}

Result<KernelState> NetlinkQuery::state_about(const IpAddress& destination) {
  return reader_.everything_about(destination);
}

Result<KernelAnswer> NetlinkQuery::ask(const Flow& flow, const KernelState& links) {
  const auto index_of = [&](const std::string& device) {
    const Link* link = links.link_named(device);
    return link == nullptr ? 0 : link->index;
  };
  auto request = route_lookup_request(flow, index_of(flow.iif), index_of(flow.oif));
  if (!request) return tl::unexpected<Error>(request.error());
  std::optional<KernelAnswer> answer;
  const auto done = socket_.dump(std::move(*request),
                                 [&](const nlmsghdr& message) { answer = parse_answer(message, links); });
  if (done && answer) return *answer;
  if (done) return fail("the kernel's answer was not understood");
  KernelAnswer refused;
  refused.objection = objection_of(done.error().code, flow);
  const auto end = end_of(done.error().code);
  if (!end && refused.objection.empty()) return fail(done.error().message, done.error().code);
  refused.end = end.value_or(LookupEnd::carried);
  return refused;
}

}  // namespace multilink
