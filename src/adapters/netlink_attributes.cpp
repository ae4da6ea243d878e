// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_attributes.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>

namespace multilink {
namespace {

bool obeys(const nlattr& attribute, const AttributeRule& rule) {
  const auto length = static_cast<unsigned>(nla_len(&attribute));
  if (length < rule.least || (rule.most != 0 && length > rule.most)) return false;
  return !rule.text || (length > 0 && static_cast<const char*>(nla_data(&attribute))[length - 1] == '\0');
}

}  // namespace

std::optional<NetlinkAttributes> NetlinkAttributes::of_message(const nlmsghdr& message, std::size_t fixed,
                                                               const Rules& rules) {
  auto* header = const_cast<nlmsghdr*>(&message);
  if (nlmsg_valid_hdr(header, static_cast<int>(fixed)) == 0) return std::nullopt;
  const auto* first = reinterpret_cast<const std::byte*>(nlmsg_attrdata(header, static_cast<int>(fixed)));
  const int length = nlmsg_attrlen(header, static_cast<int>(fixed));
  return of_bytes({first, static_cast<std::size_t>(length)}, rules);
}

std::optional<NetlinkAttributes> NetlinkAttributes::of_bytes(std::span<const std::byte> bytes,
                                                             const Rules& rules) {
  std::optional<NetlinkAttributes> out(std::in_place);
  const auto* attribute = reinterpret_cast<const nlattr*>(bytes.data());
  int left = static_cast<int>(bytes.size());
  while (nla_ok(attribute, left) != 0) {
    const auto type = static_cast<std::size_t>(nla_type(attribute));
    out->highest_ = std::max(out->highest_, type);
    if (type <= kLargest) {
      if (!obeys(*attribute, rules.at(type))) return std::nullopt;
      out->found_.at(type) = {static_cast<const std::byte*>(nla_data(attribute)),
                              static_cast<std::size_t>(nla_len(attribute))};
    }
    attribute = nla_next(attribute, &left);
  }
  // What is left is shorter than an attribute, or one that claims more bytes than there are.
  if (left > 0) out.reset();
  return out;
}

std::string NetlinkAttributes::text(std::size_t type) const {
  const auto found = bytes(type);
  return {reinterpret_cast<const char*>(found.data())};
}

std::optional<IpAddress> NetlinkAttributes::address(std::size_t type, Family family) const {
  return address_of_bytes(bytes(type), family);
}

std::span<const std::byte> payload_of(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_HDRLEN) return {};
  return {reinterpret_cast<const std::byte*>(&message) + NLMSG_HDRLEN, message.nlmsg_len - NLMSG_HDRLEN};
}

std::optional<Family> family_of_af(unsigned af) {
  if (af == AF_INET) return Family::v4;
  if (af == AF_INET6) return Family::v6;
  return std::nullopt;
}

std::optional<IpAddress> address_of_bytes(std::span<const std::byte> bytes, Family family) {
  if (bytes.size() != (family == Family::v4 ? 4U : 16U)) return std::nullopt;
  std::array<std::uint8_t, 16> raw{};
  std::memcpy(raw.data(), bytes.data(), bytes.size());
  return family == Family::v4 ? IpAddress::from_v4({raw[0], raw[1], raw[2], raw[3]})
                              : IpAddress::from_v6(raw);
}

}  // namespace multilink
