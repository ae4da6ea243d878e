// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "multilink/core/records.hpp"

namespace multilink {

/// Is the link dead, or was that a random loss? Wald's sequential probability ratio test (A. Wald, Sequential
/// Tests of Statistical Hypotheses, 1945) between "dead: a probe is lost with probability 0.99" and "as
/// usual: with p0", restarted whenever the evidence is gone (Page's CUSUM, 1954), so that it can run for
/// ever.
///
/// A loss adds ln(0.99 / p0) to the score, an answer adds ln(0.01 / (1 - p0)), which is negative. The score
/// lives in [0, ln 10^6]: at the top the odds are a million to one and the link is held for dead; at 0
/// nothing speaks against it. With p0 = 2 % that is 4 losses in a row, and 4 answers take it back.
class SequentialTest {
 public:
  static constexpr double kDeadLoss = 0.99;
  static constexpr double kLeastBaseline = 0.02;
  /// Above it a dead link could hardly be told from a living one; a link this bad is the loss window's to
  /// judge.
  static constexpr double kMostBaseline = 0.60;
  static const double kDecision;  ///< ln 10^6

  /// p0, the link's own loss in calm times, in [0,1]; clamped to the two bounds above. Evidence so far is
  /// kept.
  void set_baseline(double loss);
  double baseline() const { return baseline_; }

  void add(Outcome outcome);
  /// A loss that was counted has been answered late: it is taken back and counts as an answer.
  void correct_to_answered();
  void reset() { score_ = 0; }

  double score() const { return score_; }
  /// How many losses in a row would make it say "dead"; 0 when it does.
  std::size_t losses_to_dead() const;
  bool is_calm() const { return score_ <= 0; }
  bool says_dead() const { return score_ >= kDecision; }

 private:
  void move(double by);

  double baseline_ = kLeastBaseline;
  double score_ = 0;
};

}  // namespace multilink
