// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/event_text.hpp"

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostText = 200;
constexpr std::size_t kWidthOfKind = 6;
constexpr std::size_t kWidthOfUplink = 10;
constexpr std::size_t kWidthOfChange = 18;  // "unknown -> suspect"

std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 0, ' ');
  return text + "  ";
}

std::string printable_change(EventRecord event) {
  for (auto* side : {&event.from, &event.to}) *side = printable(*side, kMostText);
  return change_of(event, "->");
}

}  // namespace

std::string change_of(const EventRecord& event, std::string_view arrow) {
  if (event.from.empty() && event.to.empty()) return {};
  const auto side = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  return cat(side(event.from), ' ', arrow, ' ', side(event.to));
}

std::string render_event_text(const EventRecord& event) {
  std::string out = cat(format_utc(event.at), "  ", padded(printable(event.kind), kWidthOfKind),
                        padded(event.uplink.empty() ? "-" : printable(event.uplink), kWidthOfUplink),
                        event.family ? cat("IPv", to_string(*event.family)) : "    ", "  ",
                        padded(printable_change(event), kWidthOfChange), printable(event.reason, kMostText));
  if (event.chain) out += cat(" (", format_milliseconds(*event.chain, 1), " from the deciding probe)");
  out.erase(out.find_last_not_of(' ') + 1);
  return out + '\n';
}

}  // namespace multilink
