// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace multilink {

/// The document around a page's content: head, the one style element, body. `title` is escaped here,
/// `content` is HTML already. With `refresh_s`, browsers load the page anew after so many seconds.
std::string page_frame(std::string_view title, std::string_view content, unsigned refresh_s = 0);

/// 'sha256-…' of the style element's content, as a Content-Security-Policy wants it.
std::string_view page_style_hash();

}  // namespace multilink
