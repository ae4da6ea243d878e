// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "multilink/core/time.hpp"

namespace multilink {

/// What a complaint says of a record that was not yet written.
inline constexpr std::string_view kFromTheFuture = "written_ns is from the future";

/// Knows whether a record tells something newer than the one of the same key that was believed before.
///
/// A Redis that has died comes back with its last snapshot, which may be an hour old. Until each writer has put its keys in
/// order, a fraction of a second later, they tell of the links as they were then: who believed that would move the traffic
/// to an uplink that has died since. All processes of a boot have one monotonic clock, so that records tell their age also
/// where their writer was started anew.
class NewestWord {
 public:
  enum class Age : std::uint8_t { current, outdated, from_the_future };

  /// What was written when, by the kernel's boot `boot`, and is believed if it is current. Of a record of another boot than
  /// `own` the times say nothing: it is current.
  Age judge(std::string_view own, std::string_view boot, MonoTime written, MonoTime now) {
    if (boot != own) return Age::current;
    if (written > now) return Age::from_the_future;
    if (written < newest_) return Age::outdated;
    newest_ = written;
    return Age::current;
  }

 private:
  MonoTime newest_;
};

}  // namespace multilink
