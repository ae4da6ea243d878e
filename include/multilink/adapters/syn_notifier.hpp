// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "multilink/ports/connections.hpp"

namespace multilink {

/// The IP packet with a SYN from the tuple's destination to its source. IPv4: the kernel fills in identifier and
/// header checksum.
std::vector<std::uint8_t> make_syn(const ConnectionTuple& connection);

/// Sends from raw sockets, with a mark, so that what pins and tracks connections leaves the packets alone. Needs
/// CAP_NET_RAW. The sockets are opened at the first use.
class SynNotifier final : public ClientNotifier {
 public:
  explicit SynNotifier(std::uint32_t mark) : mark_(mark) {}
  SynNotifier(const SynNotifier&) = delete;
  SynNotifier& operator=(const SynNotifier&) = delete;
  ~SynNotifier() override;

  /// From now on with this mark.
  void set_mark(std::uint32_t mark);
  /// Never waits: what a full device does not take is not sent, and not counted. The Error is that of the first packet
  /// that could not be sent, where none could, or where it was forbidden (EPERM).
  Result<std::size_t> notify(std::span<const ConnectionTuple> connections) override;

 private:
  static constexpr int kClosed = -1;

  Result<int> socket_for(Family family);

  std::uint32_t mark_;
  std::array<int, 2> sockets_{kClosed, kClosed};  ///< IPv4, IPv6
};

}  // namespace multilink
