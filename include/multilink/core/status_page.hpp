// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// The status page: one HTML document that needs nothing else (style inline, no script, no image), readable
/// from 375 px on, light and dark. States are words; colour only repeats them. Every text that came from
/// Redis is escaped.
std::string render_status_page(const StatusSnapshot& snapshot);

/// The page for when nothing can be read: why, and what goes on working without it.
std::string render_unavailable_page(std::string_view reason);

/// A page that says one thing, for requests that are refused.
std::string render_message_page(std::string_view title, std::string_view text);

/// The Content-Security-Policy under which the pages above work: nothing may be loaded, run, framed or sent;
/// only their own style element applies, by its hash.
std::string_view page_security_policy();

}  // namespace multilink
