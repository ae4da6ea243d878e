// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/prober.hpp"

namespace multilink {

/// One raw ICMP or ICMPv6 socket: a family's half of IcmpProber.
class IcmpSocket {
 public:
  using OnArrivals = std::function<void(std::span<const ArrivedMessage>)>;

  /// Null when this kernel was started without the family. Throws StartFailure when the socket is not allowed,
  /// std::system_error when it cannot be set up.
  static std::unique_ptr<IcmpSocket> open(EventLoop& loop, Log& log, Family family);
  ~IcmpSocket();
  IcmpSocket(const IcmpSocket&) = delete;
  IcmpSocket& operator=(const IcmpSocket&) = delete;

  /// As Prober::listen.
  Result<void> listen(const ProbeIdentity& identity, OnArrivals on_arrivals);
  /// As Prober::send, for probes of this family with a device each; kMostAtOnce at most.
  std::vector<Result<MonoTime>> send(std::span<const OutgoingProbe* const> probes);
  static constexpr std::size_t kMostAtOnce = 32;

 private:
  struct Impl;
  explicit IcmpSocket(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
