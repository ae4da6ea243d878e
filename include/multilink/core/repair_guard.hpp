// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// If another program undoes what routed does as soon as it is done, neither side may eat the machine, nor the connections
/// of the users. This says whether what others have changed may be put back now; a switch that is decided on by routed itself
/// is never asked about.
class RepairGuard {
 public:
  /// So many times a second is put back what others change, then there is a pause to the end of the second.
  static constexpr unsigned kMostRepairs = 200;
  /// Of these, so many may bring the default back that somebody has led over another uplink: each one moves the
  /// traffic of all users. A second routed would do so.
  static constexpr unsigned kMostMovesBack = 3;
  /// A rule is put back so many times within kYield, then it is left away for as long: a script that deletes until it
  /// sees nothing that looks like its own (`wg-quick down`) would else never end.
  static constexpr unsigned kMostAlike = 3;
  static constexpr Duration kYield = std::chrono::seconds(1);

  struct Refusal {
    Duration again_in{};  ///< more than 0
    std::string warning;  ///< for people, at most each 10 s; empty: it was said
  };

  /// `operations`, at least one, would put it back; `moves_back`: they lead a default back. Counts what it allows.
  std::optional<Refusal> ask(const std::vector<RouteOperation>& operations, bool moves_back,
                             const KernelState& state, MonoTime now);

 private:
  bool must_yield(const std::vector<RouteOperation>& operations, MonoTime now);

  MonoTime repairs_since_;
  unsigned repairs_ = 0;
  unsigned moves_back_ = 0;
  MonoTime rules_since_;
  std::map<Rule, unsigned> put_back_;  ///< how often since then
  MonoTime yields_until_;
  RateLimit log_{std::chrono::seconds(10)};
};

}  // namespace multilink
