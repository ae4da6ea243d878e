// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/notify_keys.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/config_lists.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kLongest = 1024;  // of a path or an address

/// Without blanks and what is not ASCII: it goes into a header or an argument.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kLongest &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<void> read_command(std::string_view text, NotifyConfig& notify) {
  if (!text.starts_with('/') || text.size() > kLongest) return fail("");
  if (text.find_first_of(" \t") != std::string_view::npos) {
    return fail(cat(quoted(text),
                    " has blanks, and no arguments are given to it; put them into a script and name that"));
  }
  notify.command = text;
  return {};
}

Result<void> read_webhook(std::string_view text, NotifyConfig& notify) {
  const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
  const auto host = text.substr(std::min(text.size(), text.find("//") + 2));
  if (!has_scheme || !is_plain(text) || host.empty() || host.starts_with('/')) return fail("");
  notify.webhook = text;
  return {};
}

Result<std::string> parse_mailbox(std::string_view text) {
  constexpr std::string_view kSpecial = "()<>[]:;\\\",";
  const auto at = text.find('@');
  const bool good = at != std::string_view::npos && is_plain(text) &&
                    text.find_first_of(kSpecial) == std::string_view::npos && text[0] != '-' && at != 0 &&
                    at != text.size() - 1;
  if (!good)
    return fail(cat('\'', printable(text), "' is no address of mail; write for example admin@example.org"));
  return std::string(text);
}

Result<void> read_mail(std::string_view text, NotifyConfig& notify) {
  auto list = read_list<std::string>(text, parse_mailbox, "an alias that your mail system knows");
  if (!list) return tl::unexpected(list.error());
  notify.mail = *std::move(list);
  return {};
}

Result<NotifyOn> parse_on(std::string_view text) {
  for (const auto on : {NotifyOn::down, NotifyOn::up, NotifyOn::suspect, NotifyOn::route, NotifyOn::admin}) {
    if (text == to_string(on)) return on;
  }
  return fail("");
}

Result<void> read_on(std::string_view text, NotifyConfig& notify) {
  auto list = read_list<NotifyOn>(text, parse_on, "each once");
  if (!list) return tl::unexpected(list.error());
  notify.on = *std::move(list);
  return {};
}

std::vector<NotifyKey> make_table() {
  return {
      {"command", "the path of a program, from the root on", "/usr/local/sbin/tell-us", read_command,
       [](const NotifyConfig& notify) { return notify.command; }},
      {"webhook", "an http:// or https:// address", "https://hooks.example.org/multilink", read_webhook,
       [](const NotifyConfig& notify) { return notify.webhook; }},
      {"mail", "a list of addresses of mail, separated by commas", "admin@example.org", read_mail,
       [](const NotifyConfig& notify) { return join(notify.mail, ", "); }},
      {"on", "a list of down, up, suspect, route and admin, separated by commas", "down, up, route, admin",
       read_on,
       [](const NotifyConfig& notify) {
         return write_list(notify.on, [](NotifyOn on) { return std::string(to_string(on)); });
       }},
  };
}

}  // namespace

const std::vector<NotifyKey>& notify_keys() {
  static const std::vector<NotifyKey> table = make_table();
  return table;
}

}  // namespace multilink
