// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace multilink {

/// How a page stays up to date; without scripts, all but a still one by being loaded anew every kRefreshSeconds.
enum class PageLife : std::uint8_t {
  still,    ///< not at all
  retried,  ///< its script tries each 2 s whether the page can be had
  live      ///< its script asks for the JSON each second and takes over what is new
};
inline constexpr unsigned kRefreshSeconds = 5;

/// The document around a page's content: head, the one style element, body. `title` is escaped here,
/// `content` is HTML already; of a live page, its parts that change have an id of their own and the attribute `data-part`.
std::string page_frame(std::string_view title, std::string_view content, PageLife life = PageLife::still);

/// 'sha256-…' of the style element's content, as a Content-Security-Policy wants it.
std::string_view page_style_hash();
/// Likewise of the scripts, a blank between two.
std::string page_script_hashes();

}  // namespace multilink
