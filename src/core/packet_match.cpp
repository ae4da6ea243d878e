// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/packet_match.hpp"

#include <charconv>

#include "multilink/core/text.hpp"

namespace multilink {

std::string hexadecimal(std::uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), kDigits[value & 0xfU]);
    value >>= 4U;
  } while (value != 0);
  return "0x" + out;
}

std::string to_string(const MarkMatch& mark) {
  return cat(hexadecimal(mark.value), '/', hexadecimal(mark.mask));
}

std::string to_string(const PortRange& ports) {
  return ports.first == ports.last ? cat(ports.first) : cat(ports.first, '-', ports.last);
}

std::string short_words(const IpPrefix& prefix) {
  return prefix.length == prefix.address.size() * 8 ? prefix.address.to_string() : prefix.to_string();
}

std::optional<std::uint32_t> parse_mark_number(std::string_view text) {
  constexpr std::string_view kPrefix = "0x";
  constexpr int kBase = 16;
  if (!text.starts_with(kPrefix)) return parse_number<std::uint32_t>(text);
  text.remove_prefix(kPrefix.size());
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, kBase);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<MarkMatch> parse_mark(std::string_view text) {
  const auto slash = text.find('/');
  const auto value = parse_mark_number(text.substr(0, slash));
  if (!value) return std::nullopt;
  if (slash == std::string_view::npos) return MarkMatch{*value};
  const auto mask = parse_mark_number(text.substr(slash + 1));
  if (!mask) return std::nullopt;
  return MarkMatch{*value, *mask};
}

}  // namespace multilink
