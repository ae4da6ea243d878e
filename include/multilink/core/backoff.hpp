// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/core/time.hpp"

namespace multilink {

/// How long to wait before the next attempt: doubles from `first` up to `most`, then spread over its upper
/// half by `random` in [0,1), so that many clients of one server do not return in step.
/// `failures`: attempts that have failed in a row, from 0.
constexpr Duration backoff(unsigned failures, Duration first, Duration most, double random) {
  Duration whole = first;
  for (unsigned i = 0; i < failures && whole < most; ++i) whole *= 2;
  whole = whole < most ? whole : most;
  const auto half = whole / 2;
  return half + Duration(static_cast<Duration::rep>(static_cast<double>(half.count()) * random));
}

}  // namespace multilink
