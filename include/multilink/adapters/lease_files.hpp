// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/ports/leases.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// The lease files of dhclient (/var/lib/dhcp, /var/lib/dhclient), systemd-networkd (/run/systemd/netif/leases) and
/// NetworkManager (/run/NetworkManager/devices), told of by inotify(7). Folders that are not there yet are waited
/// for. (NetworkManager's files in /var/lib are for root's eyes only, and say no more.)
///
/// Of each folder at most kMostFiles are read, the ones changed last, and of each at most the last kLargest bytes; only
/// ordinary files. Where the system refuses inotify, read() reads the files each time, and changes are not told
/// of: then the next change in the kernel brings them to light.
class LeaseFiles final : public Leases {
 public:
  static constexpr std::size_t kMostFiles = 256;
  static constexpr std::size_t kLargest = 128 << 10;

  /// `root` is put before the folders' names. `loop` and `log` outlive this.
  LeaseFiles(EventLoop& loop, Log& log, std::string root = "");
  ~LeaseFiles() override;

  std::vector<DhcpLease> read() override;
  void watch(std::function<void()> on_change) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace multilink
