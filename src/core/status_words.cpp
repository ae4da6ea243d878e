// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_words.hpp"

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

constexpr std::string_view kNone = "-";

std::string figure(Duration value) {
  return value == Duration{} ? std::string(kNone) : format_milliseconds(value);
}

std::string status_word(const UplinkStatus& uplink, Family family) {
  const auto found = uplink.usable_in.find(family);
  if (found == uplink.usable_in.end() || !found->second) return "unknown";
  return *found->second ? "TRUE" : "FALSE";
}

std::string last_probe_word(const UplinkStatus& uplink, Family family, WallTime now) {
  const auto found = uplink.recent.find(family);
  if (found == uplink.recent.end()) return std::string(kNone);
  const ProbeRecord& last = found->second.last;
  return cat(last.outcome == Outcome::answered ? "answered, " : "lost, ", format_span(now - last.sent_wall),
             " ago");
}

/// Whether failover may choose it: what is down, unknown or disabled carries only where all are no better.
bool could_carry(const UplinkStatus& uplink, Family family) {
  const auto* health = family_health(uplink, family);
  return health != nullptr && uplink.health->enabled &&
         (health->state == HealthState::up || health->state == HealthState::suspect);
}

std::string_view traffic_word(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family) {
  const auto carries = carries_default(snapshot, uplink.name, family);
  if (!carries) return "unknown";
  if (*carries) return "carries";
  return could_carry(uplink, family) ? "standby" : "none";
}

std::string_view order_word(const HealthRecord& health) {
  if (health.admin == AdminMode::drained) return " (drained)";
  return health.enabled ? "" : " (disabled)";
}

std::string until(const HealthRecord& health) {
  return health.admin_until ? cat(" until ", format_utc(*health.admin_until)) : "";
}

}  // namespace

std::string order_sentence(const HealthRecord& health, bool carries) {
  if (health.admin == AdminMode::disabled) return cat("disabled by its administrator", until(health));
  if (health.admin != AdminMode::drained) return {};
  return cat("drained by its administrator", until(health),
             carries ? ", but still carries the traffic" : ": nothing new goes by it");
}

UplinkWords describe(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family) {
  UplinkWords words;
  words.status = status_word(uplink, family);
  words.traffic = traffic_word(snapshot, uplink, family);
  words.last_probe = last_probe_word(uplink, family, snapshot.at);
  words.loss = words.rtt = words.jitter = kNone;
  if (uplink.health) words.order = order_word(*uplink.health);
  if (const auto* health = family_health(uplink, family)) {
    words.state = health->state;
    if (health->probes > 0) words.loss = cat(format_decimal(health->loss * 100, 1), " %");
    words.rtt = figure(health->rtt);
    words.jitter = figure(health->jitter);
  }
  return words;
}

std::string remarks(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family) {
  std::string out(reason_of(uplink, family));
  const bool carries = carries_default(snapshot, uplink.name, family).value_or(false);
  if (uplink.health && uplink.health->admin == AdminMode::drained)
    out = cat(order_sentence(*uplink.health, carries), out.empty() ? "" : "; ", out);
  const auto* health = family_health(uplink, family);
  if (health == nullptr) return out;
  if (health->damping > Duration{}) {
    const auto asked = std::chrono::ceil<std::chrono::seconds>(health->damping).count();
    out += cat(out.empty() ? "" : "; ", "after several failures, ", asked,
               " s more of clean probing are asked for (flap damping)");
  }
  if (health->aside.empty()) return out;
  std::vector<std::string> targets;
  for (const auto& target : health->aside) targets.push_back(target.to_string());
  return cat(out, out.empty() ? "" : "; ", "set aside: ", join(targets, ", "));
}

}  // namespace multilink
