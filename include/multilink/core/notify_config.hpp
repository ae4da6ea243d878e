// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace multilink {

/// What an alert can be about.
enum class NotifyOn : std::uint8_t {
  down,     ///< an uplink can no longer be used
  up,       ///< it can be used again
  suspect,  ///< it answers nothing just now: may be over within seconds
  route,    ///< the default route has moved
  admin     ///< the administrator has taken an uplink out or back, or a drill begins or ends
};
std::string_view to_string(NotifyOn on);

/// The section [notify]: who is told of what.
struct NotifyConfig {
  std::string command;            ///< absolute path of a program; empty: none
  std::string webhook;            ///< http:// or https:// URL; empty: none
  std::vector<std::string> mail;  ///< addresses, told in one message; empty: none
  std::vector<NotifyOn> on{NotifyOn::down, NotifyOn::up, NotifyOn::route, NotifyOn::admin};

  bool has_receiver() const { return !command.empty() || !webhook.empty() || !mail.empty(); }
  bool operator==(const NotifyConfig&) const = default;
};

}  // namespace multilink
