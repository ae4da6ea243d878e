// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

enum class StatusLevel : std::uint8_t {
  ok,         ///< everything is as it should be
  attention,  ///< traffic flows, and something wants a look
  failed,     ///< no uplink is usable
  unknown     ///< it cannot be told
};
std::string_view to_string(StatusLevel level);

/// The answer to "is everything fine?", in a sentence and the findings behind it.
struct StatusSummary {
  StatusLevel level = StatusLevel::unknown;
  std::string sentence;
  std::vector<std::string> findings;  ///< what is not as it should be, the gravest first

  bool operator==(const StatusSummary&) const = default;
};

StatusSummary summarize(const StatusSnapshot& snapshot);

}  // namespace multilink
