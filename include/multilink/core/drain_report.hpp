// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "multilink/core/connection.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// Flows that have not ended: a TCP connection counts until it is closed, all else until the kernel forgets it.
struct FlowCount {
  std::size_t tcp = 0;
  std::size_t udp = 0;
  std::size_t other = 0;

  std::size_t total() const { return tcp + udp + other; }
  bool operator==(const FlowCount&) const = default;
};
void count_flows(std::span<const Connection> connections, FlowCount& count);
std::string to_text(const FlowCount& count);  ///< "3 flows are left (TCP 2, UDP 1)", "no flow is left"

/// Why the waiting for a drained uplink to be empty was over.
enum class DrainEnd : std::uint8_t { empty, timeout, interrupted, no_longer_drained };
std::string_view to_string(DrainEnd end);

struct DrainReport {
  std::string uplink;
  DrainEnd end = DrainEnd::empty;
  FlowCount left;
  Duration waited{};
};
std::string render_drain_text(const DrainReport& report);
std::string render_drain_json(const DrainReport& report);

}  // namespace multilink
