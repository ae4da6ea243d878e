// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "multilink/ports/scheduler.hpp"

namespace multilink::fakes {

/// The Scheduler in virtual time: nothing happens but inside advance(), where posted work and due timers run
/// in order, each at its exact instant. Hours pass in milliseconds and every run is the same.
/// The machine has been up for a second, so that what lies before its boot is soon met: monotonic time has no number for it.
class FakeScheduler final : public Scheduler {
 public:
  FakeScheduler() = default;

  Now now() const override { return now_; }
  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, std::function<void()> work) override;
  void post(std::function<void()> work) override;

  /// Runs all that is posted, and everything that falls due within `span`; time then stands `span` later.
  void advance(Duration span);
  /// Runs all that is posted; time stands still.
  void settle() { advance(Duration::zero()); }
  /// Somebody sets the clock on the wall; monotonic time knows nothing of it.
  void step_wall(std::chrono::milliseconds by) { now_.wall += by; }
  std::size_t pending_timers() const { return timers_.size(); }

 private:
  struct FakeTimer;
  using Key = std::pair<MonoTime, std::uint64_t>;  // when, and the order of asking among equals

  void run_posted();
  void move_to(MonoTime time);

  Now now_{MonoTime(std::chrono::seconds(1)), WallTime(std::chrono::milliseconds(1'767'225'600'000))};
  Duration wall_remainder_{};  // the part of a millisecond that the wall clock has not shown yet
  std::uint64_t next_ = 0;
  std::map<Key, std::function<void()>> timers_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace multilink::fakes
