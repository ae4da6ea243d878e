// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/notify_config.hpp"
#include "multilink/core/records.hpp"

namespace multilink {

/// One alert, in the forms in which receivers take it.
struct Notification {
  std::string id;  ///< the same at each attempt to deliver it: a receiver that sees it twice may drop one
  std::string subject;  ///< a line of at most some 120 characters: "multilink local: fibre is down (IPv4)"
  std::string text;     ///< a few lines for people
  std::string json;     ///< docs/notify.md

  bool operator==(const Notification&) const = default;
};

/// What the event is for those who are told; none: it is nothing an alert is made of. An uplink that comes up after
/// nothing was known of it (at a start) is none, and so is the first default route.
std::optional<NotifyOn> subject_of(const EventRecord& event);

/// `entry`: the id of the event in the stream. The event's texts come from Redis: what is not printable in them is written
/// as \xNN, so that no line, header or command can be smuggled in.
Notification make_notification(std::string_view site, std::string_view entry, const EventRecord& event);

}  // namespace multilink
