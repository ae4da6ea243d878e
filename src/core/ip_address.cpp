// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/ip_address.hpp"

#include <arpa/inet.h>  // inet_pton, inet_ntop: pure functions between text and numbers

#include <algorithm>

#include "multilink/core/text.hpp"

namespace multilink {

std::string_view to_string(Family family) {
  return family == Family::v4 ? "4" : "6";
}

std::optional<Family> parse_family(std::string_view token) {
  if (token == "4") return Family::v4;
  if (token == "6") return Family::v6;
  return std::nullopt;
}

IpAddress IpAddress::from_v4(const std::array<std::uint8_t, 4>& bytes) {
  IpAddress out;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

IpAddress IpAddress::from_v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress out;
  out.family_ = Family::v6;
  out.bytes_ = bytes;
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  constexpr std::size_t kLongest = INET6_ADDRSTRLEN;
  if (text.size() >= kLongest || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return from_v4(v4);
  std::array<std::uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return from_v6(v6);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (family_ == Family::v4) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         bytes_[15] == 1;
}

bool IpAddress::is_multicast() const {
  return family_ == Family::v4 ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  return family_ == Family::v4 ? bytes_[0] == 169 && bytes_[1] == 254
                               : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

IpPrefix IpPrefix::default_of(Family family) {
  return {family == Family::v4 ? IpAddress{} : IpAddress::from_v6({}), 0};
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto longest = static_cast<std::uint8_t>(address->size() * 8);
  if (slash == std::string_view::npos) return IpPrefix{*address, longest};
  const auto length = parse_number<std::uint8_t>(text.substr(slash + 1));
  if (!length || *length > longest) return std::nullopt;
  return IpPrefix{*address, *length};
}

IpPrefix IpPrefix::network() const {
  auto bytes = address.bytes();
  for (std::size_t bit = length; bit < address.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  }
  const auto masked = address.family() == Family::v4
                          ? IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]})
                          : IpAddress::from_v6(bytes);
  return {masked, length};
}

bool IpPrefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && IpPrefix{other, length}.network() == network();
}

std::string IpPrefix::to_string() const {
  return cat(address.to_string(), '/', unsigned{length});
}

}  // namespace multilink
