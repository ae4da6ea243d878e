// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/connection_adoption.hpp"

#include <optional>

#include "multilink/core/packet_marks.hpp"

namespace multilink {

Result<std::size_t> adopt_connections(Connections& connections, std::span<const AdoptingUplink> uplinks,
                                      const InsideNetworks& inside, std::uint32_t mask) {
  std::size_t adopted = 0;
  std::optional<Error> problem;
  for (const Family family : kFamilies) {
    const auto unmarked = connections.list(family, {0, mask});
    if (!unmarked) {
      problem = unmarked.error();
      continue;
    }
    for (const auto& [index, own] : connections_to_adopt(*unmarked, uplinks, inside, mask)) {
      const auto marked = connections.set_mark(own, PacketMarks(mask).match(index));
      if (!marked) problem = marked.error();
      adopted += marked.value_or(0);
    }
  }
  if (problem) return tl::unexpected<Error>(*problem);
  return adopted;
}

}  // namespace multilink
