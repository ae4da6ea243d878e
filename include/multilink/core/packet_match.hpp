// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// Parts of what a rule, and a policy, select packets by.

struct MarkMatch {
  std::uint32_t value = 0;
  std::uint32_t mask = 0xffffffff;

  auto operator<=>(const MarkMatch&) const = default;
};

struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  auto operator<=>(const UidRange&) const = default;
};

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  auto operator<=>(const PortRange&) const = default;
};

std::string hexadecimal(std::uint32_t value);   ///< "0x3f"
std::string to_string(const MarkMatch& mark);   ///< "0x1/0xff"
std::string to_string(const PortRange& ports);  ///< "443", "8000-8099"
/// Without the prefix length where it is one address.
std::string short_words(const IpPrefix& prefix);
/// A 32-bit number in decimal, or in hexadecimal behind 0x.
std::optional<std::uint32_t> parse_mark_number(std::string_view text);
/// "VALUE" (with all bits as mask) or "VALUE/MASK".
std::optional<MarkMatch> parse_mark(std::string_view text);

}  // namespace multilink
