// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/sequential_test.hpp"

#include <algorithm>
#include <cmath>

namespace multilink {
namespace {

double weight_of_loss(double baseline) {
  return std::log(SequentialTest::kDeadLoss / baseline);
}
double weight_of_answer(double baseline) {
  return std::log((1 - SequentialTest::kDeadLoss) / (1 - baseline));
}

}  // namespace

const double SequentialTest::kDecision = std::log(1e6);

void SequentialTest::set_baseline(double loss) {
  baseline_ = std::clamp(loss, kLeastBaseline, kMostBaseline);
}

void SequentialTest::add(Outcome outcome) {
  move(outcome == Outcome::lost ? weight_of_loss(baseline_) : weight_of_answer(baseline_));
}

void SequentialTest::correct_to_answered() {
  move(weight_of_answer(baseline_) - weight_of_loss(baseline_));
}

std::size_t SequentialTest::losses_to_dead() const {
  return static_cast<std::size_t>(std::ceil(std::max(0.0, kDecision - score_) / weight_of_loss(baseline_)));
}

void SequentialTest::move(double by) {
  score_ = std::clamp(score_ + by, 0.0, kDecision);
}

}  // namespace multilink
