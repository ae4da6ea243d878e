// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/ports/parent_accounts.hpp"

namespace multilink::fakes {

/// Users with the ids 901 to 916, and the seats as they were allotted at the last question.
class FakeAccounts final : public ParentAccounts {
 public:
  Result<ParentUsers> look_up(const Config& config) override {
    ParentUsers out;
    if (!config.squid.enabled) return out;
    if (fails) return fail("there is no user multilink-squid-1");
    seats = allot_seats(config, seats);
    for (const auto& [uplink, seat] : seats) out.by_uplink[uplink] = 900 + seat;
    out.all = everybody();
    return out;
  }
  std::vector<UidRange> everybody() override { return {{901, 916}}; }

  ParentSeats seats;
  bool fails = false;
};

}  // namespace multilink::fakes
