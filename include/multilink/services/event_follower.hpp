// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Tells the events of the stream as they come: first the last few, then what is written behind them, each once, in order.
///
/// It asks every kSweep, which the reader's right to look is enough for. A Redis that goes and returns is waited for; one that has
/// lost its data goes on where it is.
class EventFollower {
 public:
  static constexpr Duration kSweep = std::chrono::milliseconds(250);
  static constexpr unsigned kAtOnce = 500;  ///< events of one reading

  struct Listener {
    std::function<void(const std::vector<EventRecord>&)> on_events;  ///< oldest first
    std::function<void(const Error&)> on_lost;                       ///< Redis was there, and is not
    std::function<void()> on_ready;                                  ///< it is there (again)
  };

  /// `count`: how many of those that are there are told first. `scheduler` and `store` (not yet started) outlive this.
  EventFollower(Scheduler& scheduler, Store& store, const std::string& site, unsigned count,
                Listener listener);

  void start();  ///< call once

 private:
  void sweep();
  void look();
  void take(const std::vector<Reply>& replies);

  Scheduler& scheduler_;
  Store& store_;
  std::string key_;
  unsigned count_;
  Listener listener_;
  std::optional<std::string> position_;  ///< the last entry that was told; none: nothing was read yet
  bool is_reading_ = false;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
