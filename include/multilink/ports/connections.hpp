// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "multilink/core/connection.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The kernel's connection tracking. Synchronous; the Error has the raw errno in `code`.
class Connections {
 public:
  virtual ~Connections() = default;

  /// The connections of a family whose mark & mark.mask == mark.value; with mask 0 all. Connections that come or go
  /// meanwhile may be missing, or (rarely) told twice.
  virtual Result<std::vector<Connection>> list(Family family, const MarkMatch& mark) = 0;
  /// Removes their entries: the next packet of each begins a new one, and goes by the routes of that moment. Gives how
  /// many there were to remove; those that are gone already, that another one has replaced, or that hardware forwards
  /// just now are left out and no Error. After an Error some may be removed.
  virtual Result<std::size_t> remove(std::span<const Connection> connections) = 0;
  /// Makes the bits mark.mask of their marks those of mark.value. Gives how many there were; those that are gone are no Error.
  virtual Result<std::size_t> mark(std::span<const Connection> connections, const MarkMatch& mark) = 0;
};

/// Users whose sockets can leave by one uplink only, whatever becomes of it: the parents of the web proxy.
struct TiedUsers {
  std::vector<UidRange> users = {};
  bool are_spared = false;  ///< the uplink works: what is tied to it stays

  bool operator==(const TiedUsers&) const = default;
};

/// This host's own TCP sockets.
class LocalSockets {
 public:
  virtual ~LocalSockets() = default;

  /// Whoever reads from or writes to one of these connections gets ECONNABORTED at once. Of each tuple the source is this host's
  /// end. Gives how many sockets there were; never touches one that listens, or that is bound to a device. One that nobody has
  /// answered yet is left to its next SYN, which opens it elsewhere; but not that of a tied user, which cannot.
  virtual Result<std::size_t> destroy(std::span<const ConnectionTuple> connections,
                                      const TiedUsers& tied) = 0;
};

/// Tells the far end of a forwarded TCP connection that something has happened to it.
class ClientNotifier {
 public:
  virtual ~ClientNotifier() = default;

  /// Sends each tuple's source a SYN in the name of its destination (RFC 5961, section 4: it answers with an
  /// acknowledgment, whatever the sequence number). Gives how many were sent.
  virtual Result<std::size_t> notify(std::span<const ConnectionTuple> connections) = 0;
};

}  // namespace multilink
