// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/squid_config.hpp"

#include "multilink/core/text.hpp"

namespace multilink {

std::string to_string(const ListenPlace& place) {
  if (!place.address) return cat(place.port);
  const auto address = place.address->to_string();
  return place.address->family() == Family::v4 ? cat(address, ':', place.port)
                                               : cat('[', address, "]:", place.port);
}

std::optional<ListenPlace> parse_listen_place(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto port =
      parse_number<std::uint16_t>(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  if (colon == std::string_view::npos) return ListenPlace{std::nullopt, *port};
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address || (address->family() == Family::v6) != bracketed) return std::nullopt;
  return ListenPlace{*address, *port};
}

}  // namespace multilink
