// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "multilink/core/time.hpp"

namespace multilink {

/// Flap damping after RFC 2439: each `down`, and each `suspect` less, adds to a penalty that halves every
/// half-life; the higher the penalty, the longer the clean time asked for before new flows return. A link
/// that fails once returns as fast as configured; one that stutters a hundred times an hour does not move
/// traffic a hundred times.
class FlapPenalty {
 public:
  static constexpr double kOfDown = 1.0;
  static constexpr double kOfSuspect = 0.5;
  static constexpr Duration kHalfLife = std::chrono::minutes(20);
  /// Less is not asked for: what is left of a failure of hours ago should not cost a second's pause between two probes.
  static constexpr Duration kLeastWait = std::chrono::seconds(1);
  static constexpr Duration kMostWait = std::chrono::minutes(5);
  /// A penalty up to this is nobody's flapping.
  static constexpr double kFree = 1.0;
  static constexpr double kGrowth = 10;
  /// What forgiven_at() tells is no longer ago than this when it is given: a suspect alone is half of kFree, so it would have been
  /// forgiven one half-life before. (The second one is room for what is rounded.) On a machine that has just started this is
  /// before its boot.
  static constexpr Duration kLongestForgiven = 2 * kHalfLife;

  /// `was_suspect`: the same failure has been counted as a suspect already.
  void on_down(bool was_suspect, MonoTime now) { add(was_suspect ? kOfDown - kOfSuspect : kOfDown, now); }
  void on_suspect(MonoTime now) { add(kOfSuspect, now); }

  double at(MonoTime now) const;
  /// When it is, or was, down to kFree: that tells all of it. None: there is none.
  std::optional<MonoTime> forgiven_at() const;
  /// A penalty that another process has told so. One that would last more than four half-lives is taken for one that does.
  void restore(std::optional<MonoTime> forgiven_at, MonoTime now);
  /// Clean time asked for on top of what is configured: 0 up to a penalty of kFree, then kGrowth^((penalty - kFree) / 0.5)
  /// - 1 seconds, at most kMostWait; 0 below kLeastWait.
  Duration extra_wait(MonoTime now) const;

 private:
  void add(double points, MonoTime now);

  double penalty_ = 0;
  MonoTime as_of_;
};

}  // namespace multilink
