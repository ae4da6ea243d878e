// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/notification.hpp"

#include <nlohmann/json.hpp>

#include "multilink/core/active_uplinks.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostWords = 512;

std::string safe(std::string_view text) {
  return printable(text, kMostWords);
}

std::string in_family(const EventRecord& event) {
  return event.family ? cat(" (IPv", to_string(*event.family), ')') : std::string();
}

std::string drill_sentence(const EventRecord& event) {
  const auto uplink = safe(event.uplink);
  if (event.to == "drilled") return cat("a drill of ", uplink, " has begun");
  if (event.to == "refused") return cat("a drill of ", uplink, " was refused");
  return cat("the drill of ", uplink, " has ended");
}

bool is_no_uplink(const std::string& names) {
  return names.empty() || names == kCarriedByNone;
}

std::string named(const std::string& names) {
  return is_no_uplink(names) ? "no uplink" : safe(names);
}

std::string what_happened(const EventRecord& event) {
  if (event.kind == "route") {
    return cat("traffic goes by ", named(event.to), in_family(event),
               is_no_uplink(event.from) ? ", before by " : ", no longer by ", named(event.from));
  }
  if (event.kind == "admin") {  // an order's time may have ended by itself
    return event.to == "in use"
               ? cat(safe(event.uplink), " is in use again")
               : cat(safe(event.uplink), " is ", safe(event.to), " by order of its administrator");
  }
  if (event.kind == "drill") return drill_sentence(event);
  return cat(safe(event.uplink), " is ", safe(event.to), in_family(event));
}

std::string to_text(const EventRecord& event) {
  std::string out = cat(what_happened(event), ".\n\n");
  if (!event.reason.empty()) out += cat("Why:  ", safe(event.reason), '\n');
  out += cat("When: ", format_utc(event.at), '\n');
  if (event.kind == "health") out += cat("It was ", safe(event.from), " before.\n");
  return out + cat("The event's id is ", safe(event.id), "; 'multilinkctl status' shows how it goes on.\n");
}

std::string to_json(std::string_view site, std::string_view entry, std::string_view what,
                    const EventRecord& event) {
  using Json = nlohmann::ordered_json;
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  const Json out{{"version", 1},
                 {"site", site},
                 {"entry", entry},
                 {"about", what},
                 {"text", what_happened(event)},
                 {"id", event.id},
                 {"at", format_utc(event.at)},
                 {"source", event.source},
                 {"kind", event.kind},
                 {"uplink", text(event.uplink)},
                 {"family", event.family ? Json(to_string(*event.family)) : Json()},
                 {"from", text(event.from)},
                 {"to", text(event.to)},
                 {"reason", text(event.reason)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string_view to_string(NotifyOn on) {
  switch (on) {
    case NotifyOn::down:
      return "down";
    case NotifyOn::up:
      return "up";
    case NotifyOn::suspect:
      return "suspect";
    case NotifyOn::admin:
      return "admin";
    case NotifyOn::route:
      break;
  }
  return "route";
}

std::optional<NotifyOn> subject_of(const EventRecord& event) {
  if (event.kind == "route") return NotifyOn::route;
  if (event.kind == "admin" || event.kind == "drill") return NotifyOn::admin;
  if (event.kind != "health" || event.uplink.empty()) return std::nullopt;
  const bool was_known = event.from != to_string(HealthState::unknown);
  if (event.to == to_string(HealthState::down)) return NotifyOn::down;
  if (event.to == to_string(HealthState::suspect)) return NotifyOn::suspect;
  if (event.to == to_string(HealthState::up) && was_known) return NotifyOn::up;
  return std::nullopt;
}

Notification make_notification(std::string_view site, std::string_view entry, const EventRecord& event) {
  const auto about = subject_of(event);
  Notification out;
  out.id = cat(site, '/', entry);
  out.subject = printable(cat("multilink ", site, ": ", what_happened(event)), 120);
  out.text = to_text(event);
  out.json = to_json(site, entry, about ? to_string(*about) : "nothing", event);
  return out;
}

}  // namespace multilink
