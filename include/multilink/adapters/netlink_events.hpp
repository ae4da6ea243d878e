// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_parse.hpp"
#include "multilink/ports/kernel.hpp"

struct nlmsghdr;

namespace multilink {

/// rtnetlink's notifications about links, addresses, routes and rules, in the loop. All that wait when the
/// loop comes to them are folded into one call. Those that concern nothing in a KernelState are silent; one
/// that cannot be read, or was lost because the kernel's queue was full (ENOBUFS), says overrun.
class NetlinkEvents {
 public:
  using Parse = std::function<Parsed(const nlmsghdr&, KernelState&)>;
  using OnChange = std::function<void(const KernelChange&)>;

  /// Listens from now on. Throws std::system_error when the kernel refuses. `loop` outlives this.
  NetlinkEvents(EventLoop& loop, Parse parse, OnChange on_change);
  ~NetlinkEvents();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
