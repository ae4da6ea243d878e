// SPDX-License-Identifier: GPL-2.0-or-later
// `multilinkctl explain` on a real kernel, in which the test has put what routed would own.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace explain_test {

using fakes::ip;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// Two uplinks and a LAN; up0 carries the default, policy web goes by up1 or is refused.
class Explain : public testing::Test {
 protected:
  Explain() {
    fakes::enter_own_network();
    forward(true);
    for (const auto* name : {"up0", "up1", "lan0"}) fakes::add_device(name);
    ip("link set lo up");
    ip("addr add 10.0.0.1/24 dev lan0");
    ip("addr add 192.0.2.2/24 dev up0");
    ip("addr add 198.51.100.2/24 dev up1");
    ip("route add default via 192.0.2.1 dev up0 metric 3 proto 109");
    ip("route add default via 198.51.100.1 dev up1 table 6001 metric 1 proto 109");
    ip("route add unreachable default table 6001 metric 4278190080 proto 109");
    ip("rule add pref 32765 not to 0.0.0.0 lookup main suppress_prefixlength 0 protocol 109");
    ip("rule add pref 32765 ipproto tcp dport 443 lookup 6001 protocol 109");
    ip("rule add pref 1020 fwmark 0x2000000/0x3f000000 lookup 7002 protocol 109");
    ip("route add default via 198.51.100.1 dev up1 table 7002 proto 109");
  }

  static void forward(bool on) { std::ofstream("/proc/sys/net/ipv4/ip_forward") << on; }
  fakes::ProgramResult explain(const std::string& arguments) const {
    std::vector<std::string> argv{MULTILINK_BIN_DIR "/multilinkctl", "--config", config_, "explain"};
    for (const auto word : split(arguments, ' ')) {
      if (!word.empty()) argv.emplace_back(word);
    }
    return fakes::run_program({argv});
  }
  json explained(const std::string& arguments) const {
    const auto result = explain("--json " + arguments);
    auto said = json::parse(result.out, nullptr, false);
    said["exit"] = result.status;
    return said;
  }

  fakes::OwnDirectory directory_;
  std::string config_ =
      directory_.write("interfaces.conf",
                       "[multilink]\nredis = unix:/nonexistent/redis.sock\n[up0]\nname = fibre\n"
                       "[up1]\n[policy web]\nproto = tcp\nport = 443\nuse = up1\n");
};

TEST_F(Explain, WhoCarriesWhatAndWhy) {
  const auto rest = explained("203.0.113.9");
  EXPECT_EQ(rest["exit"], 0);
  EXPECT_EQ(rest["uplink"], "fibre");
  EXPECT_EQ(rest["decided_by"], "default_route");
  EXPECT_EQ(rest["kernel"]["check"], "agrees");
  EXPECT_THAT(std::string(rest["health_problem"]), HasSubstr("unix:/nonexistent/redis.sock"));
  const auto web = explained("--proto tcp --port 443 203.0.113.9");
  EXPECT_EQ(web["uplink"], "up1");
  EXPECT_EQ(web["policy"], "web");
  EXPECT_EQ(web["kernel"]["check"], "agrees");
  EXPECT_EQ(web["if_it_died"]["result"], "refused");
  const auto forwarded = explained("--from 10.0.0.7 --proto tcp --port 443 203.0.113.9");
  EXPECT_EQ(forwarded["packet"]["iif"], "lan0");
  EXPECT_EQ(forwarded["assumed"], "by lan0 since the way to 10.0.0.7 is there");
  EXPECT_EQ(forwarded["uplink"], "up1");
  EXPECT_EQ(explained("--mark 0x2000000 203.0.113.9")["decided_by"], "pin");
  EXPECT_EQ(explained("--from 10.0.0.7 192.0.2.9")["decided_by"], "specific_route");
  EXPECT_EQ(explained("10.0.0.1")["result"], "local");
  EXPECT_EQ(explained("--oif up1 203.0.113.9")["device"], "up1");
}

TEST_F(Explain, WhatIsRefusedHasAnExitStatusOfItsOwn) {
  ip("link set up1 down");
  const auto web = explained("--proto tcp --port 443 203.0.113.9");
  EXPECT_EQ(web["exit"], 2);
  EXPECT_EQ(web["result"], "refused");
  EXPECT_EQ(web["uplink"], nullptr);
  EXPECT_EQ(web["kernel"]["check"], "agrees");
  EXPECT_EQ(explained("2001:db8::9")["exit"], 2) << "no route";
}

TEST_F(Explain, WhatTheKernelDropsForItsSourceTooAndItIsSaid) {
  const auto strange = explain("--from 192.0.2.2 --iif lan0 203.0.113.9");
  EXPECT_EQ(strange.status, 2);
  EXPECT_THAT(strange.out, HasSubstr("kernel   but it drops such a packet: no such source comes in by lan0"));
}

TEST_F(Explain, AHostThatDoesNotForwardIsToldOf) {
  forward(false);
  const auto said = explained("--from 10.0.0.7 203.0.113.9");
  EXPECT_EQ(said["exit"], 2);
  EXPECT_EQ(said["kernel"]["check"], "drops");
  EXPECT_THAT(std::string(said["kernel"]["answer"]), HasSubstr("passes nothing on that comes in by lan0"));
}

TEST_F(Explain, InWordsForATerminal) {
  const auto said = explain("--from 10.0.0.7 --iif lan0 --proto tcp --port 443 203.0.113.9");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.err, IsEmpty());
  EXPECT_THAT(said.out,
              AllOf(StartsWith("A packet to 203.0.113.9 from 10.0.0.7, coming in by lan0, tcp port 443\n\n"
                               "  goes     up1 via 198.51.100.1\n"),
                    HasSubstr("policy web takes it: by up1, else refused"), HasSubstr("says the same"),
                    HasSubstr("The health of the uplinks is not known: ")));
}

TEST_F(Explain, WrongUsageIsTold) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "say where the packet goes"},
      {"example.org", "'example.org' is not an IPv4 or IPv6 address (names are not looked up)"},
      {"224.0.0.1", "is a multicast address"},
      {"255.255.255.255", "is for everybody on a link"},
      {"0.0.0.0", "is nobody's address"},
      {"--from 2001:db8::1 203.0.113.9", "is not an address of the destination's family"},
      {"--from 10.0.0.7 --iif nodev 203.0.113.9", "there is no device 'nodev'"},
      {"--oif nodev 203.0.113.9", "--oif: there is no device 'nodev'"},
      {"--iif lan0 203.0.113.9", "a packet that comes in has a source; say which by --from"},
      {"--iif lan0 --from 10.0.0.7 --oif up0 203.0.113.9", "--oif: is the device"},
      {"--oif up1 --from 10.9.9.9 203.0.113.9",
       "is no address of this host, so that no socket bound to up1 sends"},
      {"--port 443 203.0.113.9", "needs --proto tcp or udp"},
      {"--proto tcp --port 0 203.0.113.9", "'0' is not a port from 1 to 65535"},
      {"--proto gre 203.0.113.9", "'gre' is not tcp, udp, icmp or a number from 1 to 255"},
      {"--mark x 203.0.113.9", "'x' is not a number"},
      {"203.0.113.9 203.0.113.10", "multilinkctl --help"},
  };
  for (const auto& [arguments, complaint] : wrong) {
    const auto said = explain(arguments);
    EXPECT_EQ(said.status, 64) << arguments;
    EXPECT_THAT(said.out, IsEmpty()) << arguments;
    EXPECT_THAT(said.err, HasSubstr(complaint)) << arguments;
  }
  config_ = directory_.write("bad.conf", "[up0]\nweight = x\n");
  EXPECT_EQ(explain("203.0.113.9").status, 78);
}

}  // namespace explain_test
}  // namespace multilink
