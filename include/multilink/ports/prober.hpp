// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// One ICMP message to send, tied to a device whatever the routing tables say.
struct OutgoingProbe {
  unsigned link_index = 0;
  IpAddress target;
  std::vector<std::uint8_t>
      message;  ///< the whole ICMP message, checksum included (v6: filled by the kernel)
};

/// One ICMP message that came in. Nothing about it has been believed yet.
struct ArrivedMessage {
  IpAddress source;
  unsigned link_index = 0;
  MonoTime at;                        ///< from the kernel's receive timestamp
  std::vector<std::uint8_t> message;  ///< without the IP header
};

/// ICMP sockets, as pingd sees them. One thread; arrivals come from the loop.
class Prober {
 public:
  virtual ~Prober() = default;

  /// From now on gives every echo reply whose identifier is in [first_id, first_id + ids), and every
  /// unreachable that quotes an echo request of such an identifier; a kernel filter drops the rest. May be
  /// called again.
  virtual Result<void> listen(std::uint16_t first_id, std::uint16_t ids,
                              std::function<void(std::span<const ArrivedMessage>)> on_arrivals) = 0;
  /// Sends all in as few system calls as possible. One Result a probe: an Error is a local refusal (no such
  /// device, no route, ENOBUFS), never a lost probe.
  virtual std::vector<Result<void>> send(std::span<const OutgoingProbe> probes) = 0;
};

}  // namespace multilink
