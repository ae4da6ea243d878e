// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "multilink/core/connection_selection.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/result.hpp"
#include "multilink/ports/connections.hpp"

namespace multilink {

/// Gives the connections of both families that bear no mark of ours that of the uplink they go by, so that the rules that
/// pin flows by mark, when they come into force, cut none of them. To be called before that; again at any time it marks
/// what is still unmarked. Gives how many were marked. An Error of one family does not keep the other from it.
Result<std::size_t> adopt_connections(Connections& connections, std::span<const AdoptingUplink> uplinks,
                                      const InsideNetworks& inside, std::uint32_t mask);

}  // namespace multilink
