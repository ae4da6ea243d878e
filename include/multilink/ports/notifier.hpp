// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "multilink/core/notification.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// One receiver of alerts: a command, a web address or a mailbox. On the service's thread.
class Notifier {
 public:
  using Done = std::function<void(Result<void>)>;

  /// Breaks off what is under way: its `done` is not called then.
  virtual ~Notifier() = default;

  /// Begins to deliver; never blocks. Calls `done` from the loop, once, after kPatience at the latest: an Error says why the
  /// receiver did not take it, which is then tried again. One at a time.
  virtual void deliver(const Notification& notification, Done done) = 0;

  /// A receiver that hangs for a minute and then takes it has taken it once.
  static constexpr Duration kPatience = std::chrono::seconds(90);
};

}  // namespace multilink
