// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

MonoTime mono_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

void wait_for_signal(asio::signal_set& set, const std::shared_ptr<std::function<void(int)>>& work) {
  set.async_wait([&set, work](const boost::system::error_code& error, int number) {
    if (error) return;
    (*work)(number);
    wait_for_signal(set, work);
  });
}

/// What is to be called when. All share one timer of asio's: with one each, asio leaves the system's timer set to one
/// that was cancelled, and the daemon wakes for nothing (after each answer of Redis, for the deadline that is off).
class TimedCalls {
 public:
  using Key = std::pair<MonoTime, std::uint64_t>;  ///< when, and in the order of asking

  explicit TimedCalls(asio::io_context& context) : context_(context), timer_(context) {}

  Key add(MonoTime at, std::function<void()> work);
  void remove(const Key& key);

 private:
  void arm_later();
  void arm();
  void run_due();

  asio::io_context& context_;
  asio::steady_timer timer_;
  std::map<Key, std::function<void()>> calls_;
  std::uint64_t next_ = 0;
  std::optional<MonoTime> armed_;  ///< for when the timer is set
  bool arms_later_ = false;
};

TimedCalls::Key TimedCalls::add(MonoTime at, std::function<void()> work) {
  const Key key{at, next_++};
  calls_.emplace(key, std::move(work));
  arm_later();
  return key;
}

void TimedCalls::remove(const Key& key) {
  const auto removed = calls_.extract(key);  // what goes with it may remove others
  if (removed) arm_later();
}

/// At the end of the turn, once for all that it adds and removes.
void TimedCalls::arm_later() {
  if (!std::exchange(arms_later_, true)) asio::post(context_, [this] { arm(); });
}

void TimedCalls::arm() {
  arms_later_ = false;
  if (calls_.empty()) return;
  const MonoTime first = calls_.begin()->first.first;
  if (first <= mono_now()) {
    asio::post(context_, [this] { run_due(); });
    return;
  }
  if (armed_ == first) return;
  armed_ = first;
  timer_.expires_at(first);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // it was set anew
    armed_.reset();
    run_due();
  });
}

void TimedCalls::run_due() {
  const MonoTime now = mono_now();
  while (!calls_.empty() && calls_.begin()->first.first <= now && !context_.stopped()) {
    const auto due = calls_.extract(calls_.begin());
    due.mapped()();
  }
  if (!arms_later_) arm();
}

/// The owner's side of a call; it may outlive the loop.
class LoopTimer final : public Timer {
 public:
  LoopTimer(std::weak_ptr<TimedCalls> calls, TimedCalls::Key key) : calls_(std::move(calls)), key_(key) {}
  ~LoopTimer() override {
    if (const auto calls = calls_.lock()) calls->remove(key_);
  }

 private:
  std::weak_ptr<TimedCalls> calls_;
  TimedCalls::Key key_;
};

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running{context.get_executor()};
  std::vector<std::unique_ptr<asio::signal_set>> signals;
  std::shared_ptr<TimedCalls> timed = std::make_shared<TimedCalls>(context);
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

EventLoop::~EventLoop() = default;

Now EventLoop::now() const {
  return {mono_now(), std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

std::unique_ptr<Timer> EventLoop::after(Duration delay, std::function<void()> work) {
  const auto key = impl_->timed->add(mono_now() + std::max(delay, Duration::zero()), std::move(work));
  return std::make_unique<LoopTimer>(impl_->timed, key);
}

void EventLoop::post(std::function<void()> work) {
  asio::post(impl_->context, std::move(work));
}

void EventLoop::on_signals(const std::vector<int>& signals, std::function<void(int)> work) {
  auto& set = *impl_->signals.emplace_back(std::make_unique<asio::signal_set>(impl_->context));
  for (const int number : signals) set.add(number);
  wait_for_signal(set, std::make_shared<std::function<void(int)>>(std::move(work)));
}

void EventLoop::run() {
  impl_->context.run();
  impl_->context.restart();
}

void EventLoop::stop() {
  impl_->context.stop();
}

asio::io_context& EventLoop::context() {
  return impl_->context;
}

}  // namespace multilink
