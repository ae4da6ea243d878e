// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "multilink/core/link_trace.hpp"
#include "sim/rule.hpp"

namespace multilink::sim {

struct Interval {
  Duration from{};
  Duration to{};
  Duration length() const { return to - from; }
  bool operator==(const Interval&) const = default;
};

/// A silence as DESIGN.md means it: from the sending of a probe until any answer to it or to a later one has arrived.
/// They begin with each probe that is answered later than all before it were; so they may overlap.
using Silences = std::vector<Interval>;

/// The silences of a recorded link that last longer than `least`. One that has not ended when the record does counts
/// until then: up to the sending of the last probe.
Silences find_silences(const LinkTrace& trace, Duration least);

/// What is true of a recorded link, whatever a rule makes of it.
class LinkTruth {
 public:
  /// A link is dead in a silence longer than this. (A person notices; the round-trip times of most links are far below.)
  static constexpr Duration kDead = std::chrono::milliseconds(300);

  explicit LinkTruth(const LinkTrace& trace);
  /// A link that always works.
  static LinkTruth ideal() { return {}; }

  /// Apart from each other and in order.
  const std::vector<Interval>& dead() const { return dead_; }
  /// Something arrives in (from, to].
  bool answers_in(Duration from, Duration to) const;

 private:
  LinkTruth() = default;

  bool always_answers_ = true;
  std::vector<Interval> dead_;
  std::vector<Duration> arrivals_;  // in order
};

/// What happened to the flows of a gateway that followed a rule. Sums, so that runs can be added.
struct GatewayScore {
  Duration time{};                     ///< watched
  Duration avoidable{};                ///< spent on a dead link while another worked
  Duration dead{};                     ///< spent on a dead link
  double switches = 0;                 ///< of new flows to another uplink
  double evictions = 0;                ///< where another uplink was usable
  double sparable = 0;                 ///< of these, the link answered again within kSpared
  std::vector<Duration> dead_links{};  ///< how long each link was dead

  /// An eviction was sparable when the link answered within this.
  static constexpr Duration kSpared = std::chrono::seconds(5);

  double hours() const { return std::chrono::duration<double, std::ratio<3600>>(time).count(); }
  double availability() const;            ///< in [0,1]
  double best_link_availability() const;  ///< in [0,1]; of the link that one had best been on all the time
  GatewayScore& operator+=(const GatewayScore& other);
};

/// One uplink of a gateway: what is true of it, and what a rule decides about it.
struct JudgedLink {
  const LinkTruth& truth;
  const Decisions& decisions;
};

/// Follows a gateway from 0 to `end`. New flows go to the first uplink in order of precedence that is usable, and stay
/// where they are when none is. `precedence` names the uplinks, the best first.
GatewayScore score_gateway(const std::vector<JudgedLink>& links, const std::vector<std::size_t>& precedence,
                           Duration end);

/// The mean over all orders of precedence, so that no link's failures count for more because of its name.
GatewayScore score_gateway(const std::vector<JudgedLink>& links, Duration end);

}  // namespace multilink::sim
