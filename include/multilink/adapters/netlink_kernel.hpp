// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// The kernel of the network namespace this object is made in, by rtnetlink (rtnetlink(7)).
///
/// One socket carries requests: it blocks, for 2 s at most, since the answer comes from the local kernel in
/// microseconds. Another one, hung into the loop by watch(), carries notifications; the kernel writes them
/// before a request that causes them returns, so a read() that follows a change never sees older state than
/// the notification announced.
///
/// read() leaves out what no decision depends on: table `local`, cached routes, and in tables other than
/// `main` every route that is neither a default nor of our own protocol.
///
/// Errors: the raw errno in `code`, and the kernel's own explanation (extended ack) in `message` where it
/// gives one. Each single request is atomic; an operation that needs several says so.
class NetlinkKernel final : public Kernel {
 public:
  /// Throws std::system_error when the kernel refuses a netlink socket. `loop` and `log` outlive this.
  NetlinkKernel(EventLoop& loop, Log& log, RoutingNumbers numbers);
  ~NetlinkKernel() override;

  Result<KernelState> read() override;
  void watch(std::function<void(const KernelChange&)> on_change) override;
  Result<void> apply(const RouteOperation& operation) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
