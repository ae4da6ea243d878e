// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {

/// nfnetlink's notifications about the table `inet multilink`. The kernel writes those of a transaction before the
/// request that caused it returns, and ends them with the new number of the ruleset; so our own can be told from
/// those of others by counting.
class NftablesEvents {
 public:
  struct Seen {
    unsigned transactions = 0;  ///< that touched the table
    bool overrun = false;       ///< some were lost: there may have been more
  };

  /// Listens from now on. Throws std::system_error when the kernel refuses. `loop` outlives this.
  explicit NftablesEvents(EventLoop& loop);
  ~NftablesEvents();

  /// What has come since the last time, without waiting.
  Seen take();
  /// Calls `on_change` from the loop when take() would have something to give, which is then taken. Call once.
  void watch(std::function<void()> on_change);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
