// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "multilink/core/ip_address.hpp"

struct nlattr;
struct nlmsghdr;

namespace multilink {

/// What an attribute must look like: at least `least` and at most `most` bytes (0: any number); `text` ends in a
/// NUL. No rule is all zeros: g++ 12 leaves out other member initialisers in some constexpr arrays of this type.
struct AttributeRule {
  unsigned short least = 0;
  unsigned short most = 0;
  bool text = false;
};

/// The attributes of a netlink message, or of a part of one, by their type from 0 to kLargest. They point
/// into the message, which must outlive this.
class NetlinkAttributes {
 public:
  static constexpr std::size_t kLargest = 63;
  using Rules = std::array<AttributeRule, kLargest + 1>;

  /// Those behind the message's own header and `fixed` bytes of its family's; nullopt when the message is
  /// shorter than that or an attribute breaks its rule.
  static std::optional<NetlinkAttributes> of_message(const nlmsghdr& message, std::size_t fixed,
                                                     const Rules& rules);
  static std::optional<NetlinkAttributes> of_bytes(std::span<const std::byte> bytes, const Rules& rules);

  bool has(std::size_t type) const { return found_.at(type).data() != nullptr; }
  /// Any of a higher type, those above kLargest included.
  bool has_beyond(std::size_t type) const { return highest_ > type; }
  /// Only after has().
  std::span<const std::byte> bytes(std::size_t type) const { return found_.at(type); }
  std::string text(std::size_t type) const;
  /// The attribute as an IPv4 or IPv6 address; nullopt when its length is another.
  std::optional<IpAddress> address(std::size_t type, Family family) const;
  /// The attribute as a value whose size its rule has promised.
  template <class Value>
  Value value(std::size_t type) const {
    Value out{};
    std::memcpy(&out, bytes(type).data(), sizeof out);
    return out;
  }
  template <class Value>
  Value value_or(std::size_t type, Value otherwise) const {
    return has(type) ? value<Value>(type) : otherwise;
  }

 private:
  std::array<std::span<const std::byte>, kLargest + 1> found_{};
  std::size_t highest_ = 0;
};

/// What follows the message's own header, as long as the message says.
std::span<const std::byte> payload_of(const nlmsghdr& message);

/// The family's own header at the front of the payload; nullopt when the message is shorter.
template <class Header>
std::optional<Header> header_of(const nlmsghdr& message) {
  Header header{};
  const auto payload = payload_of(message);
  if (payload.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, payload.data(), sizeof header);
  return header;
}

std::optional<Family> family_of_af(unsigned af);  ///< of AF_INET and AF_INET6

/// The address in `bytes`; nullopt when there are more or fewer than the family has.
std::optional<IpAddress> address_of_bytes(std::span<const std::byte> bytes, Family family);

}  // namespace multilink
