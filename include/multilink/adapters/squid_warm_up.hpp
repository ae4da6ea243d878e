// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {

/// Squid takes every parent for dead until it has answered, looks when it reads its configuration, and later only, once a second at
/// most, for a request: which it fails. A parent that is started beside it may not listen yet when it looks first. So before
/// users' requests go on (they wait for the helper's answer), requests of our own do, for pages that a parent refuses without
/// asking anybody, until each of them has got as far as that.
class SquidWarmUp {
 public:
  /// More than the second in which Squid does not look again.
  static constexpr Duration kPatience = std::chrono::milliseconds(1500);

  /// `port`: the child's own one, on loopback; `urls`: of pages that are refused, warm_up_urls() or kWakeUpUrl, one after the other.
  /// `loop` outlives this. Calls `done` once, from the loop, after kPatience at the latest.
  SquidWarmUp(EventLoop& loop, std::uint16_t port, std::vector<std::string> urls, std::function<void()> done);

 private:
  void ask();
  void hear(const std::string& answer);
  void finish();

  EventLoop& loop_;
  std::uint16_t port_;
  std::vector<std::string> urls_;  ///< those that have not been refused yet
  std::function<void()> done_;
  MonoTime until_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
