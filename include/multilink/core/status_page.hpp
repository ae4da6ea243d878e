// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/history_chart.hpp"
#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// The status page: one HTML document that needs nothing else (style and script inline, charts drawn on the server),
/// readable from 375 px on, light and dark. States are words; colour only repeats them. Every text that came from
/// Redis is escaped. It stays up to date by its script, and without scripts by being loaded anew.
std::string render_status_page(const StatusSnapshot& snapshot, ChartRange range = ChartRange::day);

/// The page for when nothing can be read: why, and what goes on working without it.
std::string render_unavailable_page(std::string_view reason);

/// A page that says one thing, for requests that are refused.
std::string render_message_page(std::string_view title, std::string_view text);

/// The Content-Security-Policy under which the pages above work: nothing may be loaded, framed or sent; only their own
/// style element applies and only their own script runs, by their hashes; it may ask this server alone.
std::string_view page_security_policy();

}  // namespace multilink
