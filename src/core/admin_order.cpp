// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/admin_order.hpp"

#include <utility>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string_view flag(bool on) {
  return on ? "1" : "0";
}

}  // namespace

std::string_view word_of(AdminMode mode) {
  return mode == AdminMode::none ? "in use" : to_string(mode);
}

std::string to_text(const AdminOrder& order) {
  if (order.mode == AdminMode::none) return "in use again";
  return cat(to_string(order.mode), " by ", order.by.empty() ? "" : cat(order.by, " with "), "multilinkctl",
             order.until ? cat(" until ", format_utc(*order.until)) : "");
}

void apply_order(const HealthRecord& record, UplinkConfig& uplink) {
  if (record.admin != AdminMode::disabled || !uplink.enabled) return;
  uplink.enabled = false;
  uplink.disabled_by = "is disabled by its administrator";
}

Config under_orders(Config config, const std::map<std::string, HealthRecord>& health) {
  for (auto& uplink : config.uplinks) {
    const auto record = health.find(uplink.name);
    if (record != health.end()) apply_order(record->second, uplink);
  }
  return config;
}

AdminRecord AdminRecord::make(AdminMode mode, std::optional<Duration> length, std::string boot,
                              std::string by, const Now& now) {
  AdminRecord out{mode, now.wall, std::nullopt, std::move(boot), std::nullopt, std::move(by)};
  if (length) {
    out.until = now.wall + duration_cast<milliseconds>(*length);
    out.until_mono = now.mono + *length;
  }
  return out;
}

AdminOrder AdminRecord::in_force(std::string_view this_boot, const Now& now) const {
  if (mode == AdminMode::none) return {};
  const bool is_over = until && (boot == this_boot ? now.mono >= *until_mono : now.wall >= *until);
  return is_over ? AdminOrder{} : AdminOrder{mode, until, by};
}

Fields AdminRecord::encode() const {
  return {{"enabled", std::string(flag(mode != AdminMode::disabled))},
          {"drained", std::string(flag(mode == AdminMode::drained))},
          {"since", encode_wall(since)},
          {"until", until ? encode_wall(*until) : ""},
          {"boot", boot},
          {"until_ns", encode_mono(until_mono)},
          {"by", to_plain_text(by)}};
}

Result<AdminRecord> AdminRecord::decode(const Fields& fields) {
  FieldReader reader("admin record", fields);
  AdminRecord out;
  const bool enabled = reader.flag("enabled");
  const bool drained = reader.flag("drained");
  out.mode = !enabled ? AdminMode::disabled : drained ? AdminMode::drained : AdminMode::none;
  out.since = reader.wall("since");
  out.until = reader.wall_or_none("until");
  out.boot = reader.boot("boot");
  out.until_mono = reader.mono_or_none("until_ns");
  out.by = reader.text("by");
  if (!enabled && drained) reader.refuse("drained", "0 where enabled is 0");
  if (out.until.has_value() != out.until_mono.has_value())
    reader.refuse("until_ns", "there exactly where until is");
  if (out.until && (*out.until < out.since || *out.until - out.since > duration_cast<milliseconds>(kLongest)))
    reader.refuse("until", "from since to 366 days behind it");
  return reader.finish(std::move(out));
}

}  // namespace multilink
