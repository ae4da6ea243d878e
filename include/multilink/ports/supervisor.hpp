// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace multilink {

/// The service manager (systemd's sd_notify), as services see it. Without one, calls do nothing.
class Supervisor {
 public:
  virtual ~Supervisor() = default;

  /// The daemon does its work from now on (also without Redis). Further calls do nothing.
  virtual void ready() = 0;
  /// One line for `systemctl status`.
  virtual void status(std::string_view text) = 0;
};

}  // namespace multilink
