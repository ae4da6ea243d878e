// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/parent_candidates.hpp"

namespace multilink {

/// How the command line of multilink-squid-helper names a parent: "wan1:3221", or "lte:3222:metered".
struct ParentArgument {
  ParentUplink uplink;
  std::uint16_t port = 0;

  bool operator==(const ParentArgument&) const = default;
};

std::string to_string(const ParentArgument& argument);
std::optional<ParentArgument> parse_parent_argument(std::string_view text);

}  // namespace multilink
