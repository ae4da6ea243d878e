// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/health_belief.hpp"

namespace multilink {

void HealthBelief::see(LinkFact fact, MonoTime now) {
  const bool ok = fact == LinkFact::ok;
  if (ok && !link_ok_) back_since_ = now;
  link_ok_ = ok;
  if (!ok) doubted_ = heard_ == HealthState::up;
}

void HealthBelief::hear(HealthState state, const std::string& event, MonoTime now, Duration up_after) {
  const bool spoke_again = state != heard_ || event != event_;
  heard_ = state;
  event_ = event;
  if (!link_ok_) {
    doubted_ = state == HealthState::up;
  } else if (spoke_again || now - back_since_ >= up_after) {
    doubted_ = false;
  }
}

}  // namespace multilink
