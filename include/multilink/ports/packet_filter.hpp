// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "multilink/core/packet_filter.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// The one nftables table that is ours, `inet multilink`: pins, source translation, resets. Nothing outside it is
/// touched. Calls are synchronous, on the service's thread. Each Error has the raw errno in `code` and nft's own
/// words in its message.
class PacketFilter {
 public:
  virtual ~PacketFilter() = default;

  /// Puts the whole table in force in one transaction: every packet meets the old rules or the new ones. Whatever
  /// else is in the table goes; the tuples of reset() stay. After an Error the table is as it was.
  virtual Result<void> replace(const PacketFilterTable& table) = 0;
  /// Whether the kernel has exactly what the calls of this object have put there. False before the first one: what
  /// an earlier run left is not looked into, replacing it costs no packet.
  virtual Result<bool> is_in_force() = 0;
  /// Whether there is such a table, whoever put it there.
  virtual Result<bool> exists() = 0;
  /// Takes the table away, with everything in it. True: there was one.
  virtual Result<bool> remove() = 0;

  /// From now on, for a minute, each packet of these connections that the client sends is answered with a TCP reset
  /// and goes no further, also where this host is the client. A new connection with the same ports lifts that for
  /// itself with its first SYN. Gives how many of the tuples are in force now: fewer than asked for where the table
  /// has no room for more (kMostResets a family). ENOENT where this object has put no table there.
  virtual Result<std::size_t> reset(const std::vector<TcpTuple>& tuples) = 0;
  static constexpr std::size_t kMostResets = kMostEvicted;

  /// For so long from now, each TCP packet that is forwarded to an uplink in the middle of a connection that the kernel does not know
  /// is answered with a reset and goes no further. 0: no longer. replace() leaves it in force. ENOENT while there is no table.
  virtual Result<void> reset_orphans(Family family, Duration length) = 0;

  /// Makes the device a black hole for `length` (whole milliseconds, above 0), by the kernel's own clock: whatever becomes of this
  /// process, it ends then. What comes in by the device or is forwarded to it is dropped, and TCP of this host that leaves by it;
  /// but for what keeps its addresses and its neighbours (DHCP, neighbour discovery). replace() leaves it in force, remove()
  /// ends it. ENOENT while there is no table.
  virtual Result<void> drill(const std::string& device, Duration length) = 0;
  /// Ends that. No error where it has ended.
  virtual Result<void> end_drill(const std::string& device) = 0;

  /// Calls `on_change` from the loop when somebody else may have changed the table, several changes folded into one
  /// call; ask is_in_force() then. Own changes do not cause it. Call once, before the first replace().
  virtual void watch(std::function<void()> on_change) = 0;
};

}  // namespace multilink
