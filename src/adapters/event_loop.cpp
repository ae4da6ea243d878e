// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

/// Shared between the owner's handle and the loop: cancelling an expired timer comes too late for asio (its
/// handler is queued already), so the work itself is taken away.
struct PendingCall {
  PendingCall(asio::io_context& context, std::function<void()> call)
      : timer(context), work(std::move(call)) {}

  asio::steady_timer timer;
  std::function<void()> work;
};

class LoopTimer final : public Timer {
 public:
  explicit LoopTimer(std::shared_ptr<PendingCall> call) : call_(std::move(call)) {}
  ~LoopTimer() override {
    call_->work = nullptr;
    call_->timer.cancel();
  }

 private:
  std::shared_ptr<PendingCall> call_;
};

void wait_for_signal(asio::signal_set& set, const std::shared_ptr<std::function<void(int)>>& work) {
  set.async_wait([&set, work](const boost::system::error_code& error, int number) {
    if (error) return;
    (*work)(number);
    wait_for_signal(set, work);
  });
}

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running{context.get_executor()};
  std::vector<std::unique_ptr<asio::signal_set>> signals;
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

EventLoop::~EventLoop() = default;

Now EventLoop::now() const {
  return {std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()),
          std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

std::unique_ptr<Timer> EventLoop::after(Duration delay, std::function<void()> work) {
  auto call = std::make_shared<PendingCall>(impl_->context, std::move(work));
  call->timer.expires_after(delay);
  call->timer.async_wait([call](const boost::system::error_code&) {
    if (const auto now_due = std::exchange(call->work, nullptr)) now_due();
  });
  return std::make_unique<LoopTimer>(std::move(call));
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
