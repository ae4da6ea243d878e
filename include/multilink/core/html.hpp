// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace multilink {

/// Untrusted text made safe for HTML, as an element's content and inside a quoted attribute alike: the five
/// characters of markup become references; control characters and bytes that are not UTF-8 become U+FFFD, so
/// that the document stays valid whatever came from Redis. Cut to `most` bytes (never inside a character),
/// with "…" behind.
std::string html_text(std::string_view text, std::size_t most = 300);

}  // namespace multilink
