// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_scheduler.hpp"

#include <algorithm>
#include <stdexcept>

namespace multilink::fakes {

struct FakeScheduler::FakeTimer final : Timer {
  FakeTimer(FakeScheduler& owner, Key key) : owner_(owner), key_(key) {}
  ~FakeTimer() override { owner_.timers_.erase(key_); }

  FakeScheduler& owner_;
  Key key_;
};

std::unique_ptr<Timer> FakeScheduler::after(Duration delay, std::function<void()> work) {
  const Key key{now_.mono + std::max(delay, Duration::zero()), next_++};
  timers_.emplace(key, std::move(work));
  return std::make_unique<FakeTimer>(*this, key);
}

void FakeScheduler::post(std::function<void()> work) {
  posted_.push_back(std::move(work));
}

void FakeScheduler::run_posted() {
  constexpr int kMostInOneInstant = 1'000'000;
  for (int count = 0; !posted_.empty(); ++count) {
    if (count == kMostInOneInstant) throw std::logic_error("work posts itself again for ever");
    const auto work = std::move(posted_.front());
    posted_.pop_front();
    work();
  }
}

void FakeScheduler::move_to(MonoTime time) {
  wall_remainder_ += time - now_.mono;
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(wall_remainder_);
  wall_remainder_ -= whole;
  now_.wall += whole;
  now_.mono = time;
}

void FakeScheduler::advance(Duration span) {
  const MonoTime end = now_.mono + span;
  run_posted();
  while (!timers_.empty() && timers_.begin()->first.first <= end) {
    const auto first = timers_.begin();
    move_to(first->first.first);
    const auto work = std::move(first->second);
    timers_.erase(first);
    work();
    run_posted();
  }
  move_to(end);
}

}  // namespace multilink::fakes
