// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What routed believes of one uplink in one family: healthd's word, unless the link itself has contradicted
/// it since.
///
/// routed sees a lost carrier before healthd does, and may see it return before healthd's verdict on the loss
/// has arrived. An `up` from before the loss is about a link that has gone since: believing it at the return
/// would move the traffic back to a link that nobody has probed. So an `up` is doubted, and counts as
/// `unknown`, from the loss until healthd has spoken again: another state, or an `up` by another event; or
/// until healthd still says `up` when the link has been back for `up_after` (it did not notice so short a
/// loss). Without Redis nothing is heard, so the doubt stays, and the traffic stays where it is.
class HealthBelief {
 public:
  /// What netlink says of the link now. At each look at the kernel, before hear() of the same moment.
  void see(LinkFact fact, MonoTime now);
  /// A record of healthd was read now. `up_after` is the uplink's.
  void hear(HealthState state, const std::string& event, MonoTime now, Duration up_after);

  HealthState state() const { return doubted_ ? HealthState::unknown : heard_; }
  const std::string& event() const {
    return event_;
  }  ///< the id of the event that led to what was heard last

 private:
  HealthState heard_ = HealthState::unknown;
  std::string event_;
  bool link_ok_ = true;
  bool doubted_ = false;
  MonoTime back_since_;
};

}  // namespace multilink
