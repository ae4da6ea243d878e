// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/helper_arguments.hpp"

#include "multilink/core/config_values.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kMetered = "metered";

}  // namespace

std::string to_string(const ParentArgument& argument) {
  const auto metered = argument.uplink.metered ? cat(':', kMetered) : std::string();
  return cat(argument.uplink.name, ':', argument.port, metered);
}

std::optional<ParentArgument> parse_parent_argument(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || !is_token(parts[0])) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(parts[1]);
  if (!port || *port == 0 || (parts.size() == 3 && parts[2] != kMetered)) return std::nullopt;
  return ParentArgument{{std::string(parts[0]), parts.size() == 3}, *port};
}

}  // namespace multilink
