// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "multilink/ports/scheduler.hpp"

namespace boost::asio {
class io_context;
}

namespace multilink {

/// The Scheduler of real time: one Boost.Asio loop, steady_timer only. Adapters that wait on file descriptors
/// hang them into `context()`. Everything runs on the thread that calls run().
class EventLoop final : public Scheduler {
 public:
  EventLoop();
  ~EventLoop() override;

  Now now() const override;
  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, std::function<void()> work) override;
  void post(std::function<void()> work) override;

  /// Calls `work` from the loop at each of these signals. Call once a signal number.
  void on_signals(const std::vector<int>& signals, std::function<void(int)> work);
  void run();  ///< until stop()
  void stop();
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
