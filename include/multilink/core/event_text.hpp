// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/records.hpp"

namespace multilink {

/// An event as a line for a terminal: when, what, of which uplink, from what to what, why, and how long it took. In columns
/// that do not depend on other events, so that lines that come later stand below. Untrusted text cannot carry control
/// characters into the terminal.
std::string render_event_text(const EventRecord& event);

/// From what to what, e.g. "up -> down" with `arrow` "->"; "none" for what there is not, empty without both. Untrusted text.
std::string change_of(const EventRecord& event, std::string_view arrow);

/// The same as a JSON object on a line of its own; its members are those of an event in docs/status-json.md.
std::string render_event_json(const EventRecord& event);

}  // namespace multilink
