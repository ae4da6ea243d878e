// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace multilink {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

inline constexpr std::array<Family, 2> kFamilies{Family::v4, Family::v6};

/// "4" or "6": the wire token of a family.
std::string_view to_string(Family family);
std::optional<Family> parse_family(std::string_view token);

/// An IPv4 or IPv6 address, in network byte order. IPv4 uses the first four bytes; the rest are zero.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  static IpAddress from_v4(const std::array<std::uint8_t, 4>& bytes);
  static IpAddress from_v6(const std::array<std::uint8_t, 16>& bytes);
  /// The address in the notation of RFC 4291 / dotted quad, nothing around it; nullopt for anything else.
  static std::optional<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  /// 4 or 16 leading bytes are meaningful.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::size_t size() const { return family_ == Family::v4 ? 4 : 16; }
  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;   ///< 224.0.0.0/4, ff00::/8
  bool is_link_local() const;  ///< 169.254.0.0/16, fe80::/10
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with a prefix length, as in 192.0.2.0/24. Host bits are kept as given (an interface address
/// carries them); `network()` clears them.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;  ///< 0..32 or 0..128

  static IpPrefix default_of(Family family);  ///< 0.0.0.0/0 or ::/0
  static std::optional<IpPrefix> parse(
      std::string_view text);  ///< "a.b.c.d/n", or an address alone: /32, /128
  IpPrefix network() const;
  bool contains(const IpAddress& other) const;
  bool is_default() const { return length == 0; }
  std::string to_string() const;

  auto operator<=>(const IpPrefix&) const = default;
};

}  // namespace multilink
