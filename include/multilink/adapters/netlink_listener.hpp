// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "multilink/adapters/event_loop.hpp"

struct nlmsghdr;

namespace multilink {

/// Hears what the kernel tells the members of netlink's multicast groups (netlink(7)).
class NetlinkListener {
 public:
  using OnMessage = std::function<void(const nlmsghdr&)>;

  /// Listens from now on. `protocol` is NETLINK_ROUTE or another of <linux/netlink.h>; `name` begins the text of errors.
  /// Throws StartFailure where the right to listen is missing, std::system_error when the kernel refuses otherwise. `loop`
  /// outlives this.
  NetlinkListener(EventLoop& loop, std::string_view name, int protocol, std::initializer_list<int> groups,
                  OnMessage on_message);
  ~NetlinkListener();

  /// Hands out what has come, without waiting, `most_reads` datagrams at most. False: some were lost, since the kernel's
  /// queue was full (ENOBUFS) or for another reason.
  bool read(int most_reads);
  /// Calls `on_readable` from the loop as long as something waits to be read. Call once.
  void watch(std::function<void()> on_readable);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace multilink
