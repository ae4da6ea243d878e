// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {

/// Squid takes every parent for dead until a request has made it look, and fails that request: after each start, and each
/// time it reads its configuration anew. So before users' requests go on (they wait for the helper's answer), requests of our
/// own do, for kWarmUpUrl, which a parent refuses without asking anybody, until one has got as far as that.
class SquidWarmUp {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(1);

  /// `port`: the child's own one, on loopback; `url`: kWarmUpUrl, or another one that ends in a refusal. `loop` outlives this. Calls `done` once, from the loop, after kPatience at the latest.
  SquidWarmUp(EventLoop& loop, std::uint16_t port, std::string_view url, std::function<void()> done);

 private:
  void ask();
  void hear(const std::string& answer);
  void finish();

  EventLoop& loop_;
  std::uint16_t port_;
  std::string url_;
  std::function<void()> done_;
  MonoTime until_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
