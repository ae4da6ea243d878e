// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/sequential_test.hpp"

namespace multilink {

/// A dead target is not a dead link: finds the targets of one uplink and family that say nothing about the
/// link while others say that it lives. Two ways to be set aside:
/// - *dead*: a SequentialTest of the target's own outcomes against the loss at the other targets, with odds
/// of
///   ten thousand to one (3 losses in a row on a clean link), while others have answered since its last
///   answer;
/// - *rate-limited*: over its last kWindow probes it has lost significantly more (3 standard deviations of
/// the
///   difference of two proportions) than the others over theirs, and at least kLeastLost.
/// It counts again, as if new, after kBackAfter answers in a row. If all are silent, none is set aside: that
/// is the link. A single target is never set aside.
class TargetWatch {
 public:
  static constexpr std::size_t kWindow = 40;
  static constexpr std::size_t kLeastLost = 4;
  static constexpr int kBackAfter = 5;
  static const double kDecision;  ///< ln 10^4

  /// A settled probe; a late answer is shown as an answer of its own.
  void observe(const ProbeRecord& probe);

  /// The link was silent as a whole: no loss so far speaks against any target.
  void excuse_losses();

  bool is_set_aside(const IpAddress& target) const;
  std::vector<IpAddress> set_aside() const;            ///< in order of address
  void retain(const std::vector<IpAddress>& targets);  ///< forgets those no longer configured

 private:
  struct Target {
    SequentialTest test;
    std::deque<Outcome> recent;
    std::size_t others_answered = 0;  ///< since the first of the losses in a row
    int answers_in_a_row = 0;
    bool aside = false;

    std::size_t lost() const;
  };
  struct Share {
    std::size_t probes = 0;
    std::size_t lost = 0;
  };

  void count(Target& target, Outcome outcome);
  Share others_of(const IpAddress& target) const;
  bool loses_more(const Target& target, const Share& others) const;

  std::map<IpAddress, Target> targets_;
};

}  // namespace multilink
