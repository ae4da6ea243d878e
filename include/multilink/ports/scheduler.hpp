// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "multilink/core/time.hpp"

namespace multilink {

/// A pending call. Destroying it cancels the call; it may outlive the scheduler's run but not the scheduler.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;
};

/// Time and the event loop, as services see them. All calls happen on one thread, one at a time; a callback
/// is never run from inside `after` or `post`.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  virtual Now now() const = 0;
  /// Runs `work` once, `delay` from now (at once if it is not positive), by the monotonic clock.
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration delay, std::function<void()> work) = 0;
  /// Runs `work` in the next turn of the loop.
  virtual void post(std::function<void()> work) = 0;
};

}  // namespace multilink
