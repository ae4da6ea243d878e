// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/time.hpp"

namespace multilink::sim {

/// What becomes of a probe sent at a time since the beginning: its round-trip time, or none: lost. Is asked in order of
/// time.
using Carry = std::function<std::optional<Duration>(Duration at)>;

/// What a rule makes of a link. Only `usable` links get new flows; the flows of an `evicted` one are cut off. Most rules
/// know these two alone.
enum class Judgement : std::uint8_t { usable, suspect, evicted };

struct Decision {
  Duration when{};  ///< since the beginning
  Judgement judgement = Judgement::usable;
  std::string reason{};  ///< for people; may be empty
  bool answers = false;  ///< not usable, but better than one that does not answer, if none is usable
};

/// What one rule decides about one link, in order of time. Before the first of them the link is usable.
using Decisions = std::vector<Decision>;

/// A way to tell a working link from a dead one.
struct Rule {
  std::string_view name;
  /// Follows a link from 0 to `end`; `random` gives the phase of its timers.
  Decisions (*follow)(const Carry& carry, Duration end, std::mt19937_64& random);
};

}  // namespace multilink::sim
