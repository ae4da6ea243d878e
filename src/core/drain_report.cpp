// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/drain_report.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

constexpr int kJsonVersion = 1;

bool has_ended(const Connection& connection) {
  return connection.tcp_state == TcpState::time_wait || connection.tcp_state == TcpState::close;
}

std::string_view why(DrainEnd end) {
  switch (end) {
    case DrainEnd::empty:
      return "drained and empty";
    case DrainEnd::timeout:
      return "drained, but the time to wait is over";
    case DrainEnd::interrupted:
      return "stays drained, the waiting was interrupted";
    case DrainEnd::no_longer_drained:
      break;
  }
  return "is no longer drained";
}

}  // namespace

void count_flows(std::span<const Connection> connections, FlowCount& count) {
  for (const auto& connection : connections) {
    // What nobody has answered is a scan from the Internet as a rule, and waits for nothing.
    if (has_ended(connection) || (!connection.answered && connection.protocol != ip_protocol::kTcp)) continue;
    auto& kind = connection.protocol == ip_protocol::kTcp   ? count.tcp
                 : connection.protocol == ip_protocol::kUdp ? count.udp
                                                            : count.other;
    ++kind;
  }
}

std::string to_text(const FlowCount& count) {
  if (count.total() == 0) return "no flow is left";
  std::string kinds;
  for (const auto& [name, number] : std::array{std::pair("TCP ", count.tcp), std::pair("UDP ", count.udp),
                                               std::pair("other ", count.other)}) {
    if (number > 0) kinds += cat(kinds.empty() ? "" : ", ", name, number);
  }
  return cat(count.total(), count.total() == 1 ? " flow is left (" : " flows are left (", kinds, ')');
}

std::string_view to_string(DrainEnd end) {
  switch (end) {
    case DrainEnd::empty:
      return "empty";
    case DrainEnd::timeout:
      return "timeout";
    case DrainEnd::interrupted:
      return "interrupted";
    case DrainEnd::no_longer_drained:
      break;
  }
  return "no_longer_drained";
}

std::string render_drain_text(const DrainReport& report) {
  return cat(report.uplink, ": ", why(report.end), "; ", to_text(report.left), " after ",
             format_decimal(std::chrono::duration<double>(report.waited).count(), 1), " s\n");
}

std::string render_drain_json(const DrainReport& report) {
  const nlohmann::ordered_json out{
      {"version", kJsonVersion},
      {"uplink", report.uplink},
      {"end", to_string(report.end)},
      {"flows_left", {{"tcp", report.left.tcp}, {"udp", report.left.udp}, {"other", report.left.other}}},
      {"waited_s", std::chrono::duration<double>(report.waited).count()}};
  return out.dump(2) + '\n';
}

}  // namespace multilink
