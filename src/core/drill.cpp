// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/drill.hpp"

#include <algorithm>

#include "multilink/core/quantity.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

Fields DrillRecord::encode() const {
  return {{"uplink", uplink},
          {"id", id},
          {"boot", boot},
          {"asked_ns", encode_mono(asked)},
          {"length_us", encode_microseconds(length)},
          {"force", force ? "1" : "0"},
          {"by", to_plain_text(by)}};
}

Result<DrillRecord> DrillRecord::decode(const Fields& fields) {
  FieldReader reader("drill record", fields);
  DrillRecord out;
  out.uplink = reader.name("uplink");
  out.id = reader.text_if("id", "an event's id", is_event_id);
  out.boot = reader.boot("boot");
  out.asked = reader.mono("asked_ns");
  out.length = reader.microseconds("length_us");
  out.force = reader.flag("force");
  out.by = reader.text("by");
  if (out.asked > MonoTime::max() - kMaxDuration) reader.refuse("asked_ns", "a time that can be added to");
  return reader.finish(std::move(out));
}

std::optional<std::string> why_no_drill(const DrillRecord& asked, const std::vector<DrillUplink>& uplinks,
                                        const std::optional<std::string>& running, std::string_view boot,
                                        MonoTime now) {
  if (asked.boot != boot) return "it was asked for before this host was started, or on another";
  if (asked.asked > now) return "it was asked for in the future";
  if (now - asked.asked > DrillRecord::kFresh)
    return cat("it was asked for more than ", format_duration(DrillRecord::kFresh), " ago");
  if (asked.length < DrillRecord::kShortest || asked.length > DrillRecord::kLongest) {
    return cat("a drill lasts from ", format_duration(DrillRecord::kShortest), " to ",
               format_duration(DrillRecord::kLongest));
  }
  if (running) return cat("the drill of ", *running, " is still on");
  const auto own =
      std::ranges::find_if(uplinks, [&](const DrillUplink& each) { return each.name == asked.uplink; });
  if (own == uplinks.end()) return cat("no uplink is called ", quoted(asked.uplink));
  if (!own->enabled) return cat(own->name, " is disabled: nothing goes by it");
  if (own->device.empty()) return cat(own->name, " has no device");
  if (own->usable.empty()) return cat(own->name, " is not up: there is nothing to try out");
  if (asked.force) return std::nullopt;
  for (const Family family : own->usable) {
    const bool has_other = std::ranges::any_of(uplinks, [&](const DrillUplink& other) {
      return other.name != own->name && other.enabled && other.usable.contains(family);
    });
    if (!has_other)
      return cat("no other uplink is usable in IPv", to_string(family), "; --force drills all the same");
  }
  return std::nullopt;
}

}  // namespace multilink
