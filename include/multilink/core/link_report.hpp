// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/config.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// The record of what is known of an uplink without a probe.
LinkRecord make_link_record(const UplinkConfig& uplink, const UplinkFacts& facts, std::string boot,
                            WallTime since);

/// What is to be said of an uplink behind its name: "has no carrier". Of LinkFact::ok: "is ok".
std::string_view describe(LinkFact fact);

/// One family's facts in a sentence, with the remedy where there is one: "eth0 has no carrier".
std::string describe_link(const UplinkConfig& uplink, Family family, const LinkRecord::PerFamily& seen);

/// Why no gateway is known, and what helps.
std::string describe_missing_gateway(const UplinkConfig& uplink, Family family);

}  // namespace multilink
