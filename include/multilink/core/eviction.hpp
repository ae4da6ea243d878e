// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/connection_selection.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// Why connections leave an uplink.
enum class EvictionCause : std::uint8_t { suspect, down, link_fact, disabled, removed, failback, metered };
std::string_view to_string(EvictionCause cause);
/// Whether the uplink works, and another one is better.
bool is_a_return(EvictionCause cause);  ///< for people: "suspect", "its link is lost", …

/// To be carried out now, after the routes: the connections of one uplink that began on this side leave it.
struct EvictionOrder {
  std::string uplink;  ///< its name
  unsigned index = 0;  ///< of its mark
  Family family = Family::v4;
  EvictionScope scope = EvictionScope::udp;
  EvictionCause cause = EvictionCause::suspect;
  bool again = false;  ///< a repetition, for stragglers: not worth a line where it finds none
  /// Whose connections: of these policies, "" being those that no policy takes. Empty: everybody's, but for those of
  /// policies that go by this very uplink now.
  std::set<std::string> only_of = {};

  bool operator==(const EvictionOrder&) const = default;
};

/// One uplink in one family as it is after the routes were applied and read back.
struct EvictionSubject {
  const UplinkConfig& config;
  unsigned index = 0;
  LinkFact fact = LinkFact::ok;
  HealthState health = HealthState::unknown;
  bool answers = false;  ///< not up, and yet it answers
  bool carries = false;  ///< the default in force leads over it
  std::optional<unsigned> rank =
      {};  ///< for a policy: its place in the policy's list; else the precedence counts
};

struct EvictionStep {
  std::vector<EvictionOrder> orders;
  std::optional<MonoTime> next;  ///< when to look again if nothing happens earlier
};

/// When connections have to leave an uplink. For the traffic of one choice: the main one, or that of a policy; the default
/// in force is then that of the policy.
///
/// An uplink that carries the default is left alone, and so is every uplink while no other that is usable carries it:
/// one that is up, unknown (and in force), or at least answers where this one does not. Otherwise
/// - `suspect`: UDP and pings, and TCP connections that nobody has answered yet, if `suspect_moves` says so;
/// - `down`, or not enabled, or no longer configured: all;
/// - a lost link: these at once, the rest when the loss has lasted `evict_after`. A cable that is out for a moment cuts
///   no TCP connection, and healthd's `down` that merely repeats the loss does not either while the link, back again,
///   has its chance to answer (kProbation);
/// - up, while a better one carries (a failback): by that one's `failback`, all at once (`flush`; only at a switch
///   seen here, not at a start), or UDP after its `failback_udp_after`;
/// - up and `metered`, while a better one carries: all after the grace.
/// `unknown` moves nothing. The first four are repeated while they last, at a slow and slower pace, the others once:
/// what began in the moment of the switch was pinned by the old route.
class EvictionPolicy {
 public:
  /// How long a link that is back may take to show that it works: healthd says `answers` after 10 s.
  static constexpr Duration kProbation = std::chrono::seconds(15);
  /// healthd's word on a loss may come so much later than the loss has ended.
  static constexpr Duration kEcho = std::chrono::seconds(1);
  static constexpr Duration kRetry = std::chrono::seconds(1);

  /// `subjects`: all uplinks, in the order of the configuration.
  EvictionStep step(Family family, std::span<const EvictionSubject> subjects, MonoTime now);
  /// An uplink that is not configured any more, and perhaps never was while this policy looked on, has connections.
  void expect_removed(Family family, unsigned index, const std::string& name);
  /// The order could not be carried out: it comes again kRetry from now, if it is still right then.
  void failed(const EvictionOrder& order, MonoTime now);

 private:
  struct Demand {
    EvictionScope scope;
    EvictionCause cause;

    bool operator==(const Demand&) const = default;
  };
  /// An order that is given once, and once more for stragglers.
  struct Task {
    unsigned given = 0;
    std::optional<MonoTime> again;
  };
  struct Watch {
    std::string name;
    HealthState health = HealthState::unknown;
    bool echo = false;  ///< its `down` is healthd's word on a lost link
    std::optional<MonoTime> lost, back;
    std::optional<Demand> demand;
    unsigned repeats = 0;
    std::optional<MonoTime> due;  ///< of the demand
    std::optional<bool> carried;
    std::optional<MonoTime> displaced;  ///< since then a better one carries
    bool switched = false;              ///< it carried until then
    Task flush, udp, metered, removed;
  };
  class Look;

  std::map<Family, std::map<unsigned, Watch>> watches_;
};

}  // namespace multilink
