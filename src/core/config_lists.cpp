// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_lists.hpp"

namespace multilink {

Result<IpPrefix> parse_network_item(std::string_view text, std::string_view all) {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) return fail("");
  if (prefix->is_default()) return fail(cat(quoted(text), " is everything, which ", all));
  if (prefix->network() != *prefix) {
    return fail(cat(quoted(text), " is an address and no network; write ", prefix->network().to_string(),
                    " or ", prefix->address.to_string()));
  }
  return *prefix;
}

}  // namespace multilink
