// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/drain_report.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "multilink/core/ip_protocol.hpp"

namespace multilink {
namespace drain_report_test {

using testing::HasSubstr;

Connection connection(std::uint8_t protocol, std::optional<TcpState> state = {}) {
  Connection out;
  out.protocol = protocol;
  out.tcp_state = state;
  out.answered = true;
  return out;
}

TEST(DrainReport, CountsWhatHasNotEnded) {
  auto scan = connection(ip_protocol::kUdp);
  scan.answered = false;
  const std::vector all{scan,
                        connection(ip_protocol::kTcp, TcpState::established),
                        connection(ip_protocol::kTcp, TcpState::fin_wait),
                        connection(ip_protocol::kTcp, TcpState::time_wait),
                        connection(ip_protocol::kTcp, TcpState::close),
                        connection(ip_protocol::kUdp),
                        connection(ip_protocol::kIcmp),
                        connection(ip_protocol::kUdp)};
  FlowCount count;
  count_flows(all, count);
  EXPECT_EQ(count, (FlowCount{2, 2, 1}));
  EXPECT_EQ(to_text(count), "5 flows are left (TCP 2, UDP 2, other 1)");
  EXPECT_EQ(to_text({0, 1, 0}), "1 flow is left (UDP 1)");
  EXPECT_EQ(to_text({}), "no flow is left");
}

TEST(DrainReport, TellsWhyTheWaitingIsOver) {
  DrainReport report{"lte", DrainEnd::empty, {}, std::chrono::milliseconds(12'340)};
  EXPECT_EQ(render_drain_text(report), "lte: drained and empty; no flow is left after 12.3 s\n");
  report.left = {1, 2, 0};
  for (const auto end : {DrainEnd::timeout, DrainEnd::interrupted, DrainEnd::no_longer_drained}) {
    report.end = end;
    EXPECT_THAT(render_drain_text(report), HasSubstr("; 3 flows are left (TCP 1, UDP 2)"));
  }
  const auto json = nlohmann::json::parse(render_drain_json(report));
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["uplink"], "lte");
  EXPECT_EQ(json["end"], "no_longer_drained");
  EXPECT_EQ(json["flows_left"], nlohmann::json::parse(R"({"tcp": 1, "udp": 2, "other": 0})"));
  EXPECT_EQ(json["waited_s"], 12.34);
}

}  // namespace drain_report_test
}  // namespace multilink
