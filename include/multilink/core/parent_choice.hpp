// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/time.hpp"

namespace multilink {

/// An uplink as its parent is chosen by.
struct ParentCandidate {
  std::string name;
  unsigned weight = 1;  ///< from 1
  Duration rtt{};       ///< 0: not measured; below a millisecond counts as one

  bool operator==(const ParentCandidate&) const = default;
};

/// Who serves one request.
struct ChosenParents {
  std::string use;
  std::optional<std::string> alternative;  ///< who is asked where `use` fails; none: there is no other

  bool operator==(const ChosenParents&) const = default;
};

/// The specification's weighted round robin, which is Squid's formula (getWeightedRoundRobinParent() of its peer
/// selection) over the uplinks' measured round-trip times: the candidate with the lowest counter serves the request, and
/// max(1 ms, RTT) / weight is added to its counter. So over many requests each gets a share in proportion to
/// weight / RTT. One that is new, or back, begins at the lowest counter of the others: it has its share at once, and not what
/// it missed.
class ParentChoice {
 public:
  /// `candidates`: those that may serve now, in the order of the configuration, which decides between equals. No value: there
  /// are none. Constant memory: counters of who is no candidate are forgotten.
  std::optional<ChosenParents> choose(const std::vector<ParentCandidate>& candidates);

 private:
  void keep_only(const std::vector<ParentCandidate>& candidates);

  std::map<std::string, double> counters_;  ///< milliseconds per weight
};

/// What part of the requests each candidate gets, in [0,1], in their order; they add up to 1.
std::vector<double> shares_of(const std::vector<ParentCandidate>& candidates);

}  // namespace multilink
