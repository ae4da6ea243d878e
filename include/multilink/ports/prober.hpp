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
  MonoTime at;                        ///< from the kernel's receive timestamp
  std::vector<std::uint8_t> message;  ///< without the IP header
};

/// By what probes and their answers are known as ours.
struct ProbeIdentity {
  std::uint16_t first_id = 0;  ///< first_id + ids is at most 65536
  std::uint16_t ids = 0;
  std::uint32_t mark = 0;  ///< firewall mark of every probe, so that no pin or tracking touches them

  bool operator==(const ProbeIdentity&) const = default;
};

/// ICMP sockets, as pingd sees them. One thread; arrivals come from the loop.
class Prober {
 public:
  virtual ~Prober() = default;

  /// From now on sends with this mark and gives every echo reply whose identifier is in
  /// [first_id, first_id + ids), and every unreachable that quotes an echo request of such an identifier; a
  /// kernel filter drops the rest. May be called again. After an Error nothing is known of what arrives.
  virtual Result<void> listen(const ProbeIdentity& identity,
                              std::function<void(std::span<const ArrivedMessage>)> on_arrivals) = 0;
  /// Sends all in as few system calls as possible. For each probe when it was handed to the kernel, or an
  /// Error: a local refusal (no such device, no route, ENOBUFS; the errno in `code`), never a lost probe.
  virtual std::vector<Result<MonoTime>> send(std::span<const OutgoingProbe> probes) = 0;
};

}  // namespace multilink
