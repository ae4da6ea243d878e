// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_pace.hpp"

#include <cmath>

namespace multilink {
namespace {

constexpr int kPower = 7;
constexpr double kSpread =
    (kMostPause - 1) * (kPower + 1);  // the mean is 1, since that of u^k is 1 / (k + 1)

}  // namespace

Duration pause_to_next_probe(Duration interval, std::uint64_t random) {
  const double even = static_cast<double>(random >> 11) * 0x1p-53;
  const double share = kMostPause - kSpread * std::pow(even, kPower);
  return Duration(std::llround(static_cast<double>(interval.count()) * share));
}

}  // namespace multilink
