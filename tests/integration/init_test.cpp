// SPDX-License-Identifier: GPL-2.0-or-later
// `multilinkctl init` on a real kernel.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace init_test {

using fakes::ip;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Init : public testing::Test {
 protected:
  Init() { fakes::enter_own_network(); }

  static void add_uplinks() {
    for (const auto* name : {"up0", "up1", "lan0"}) fakes::add_device(name);
    ip("addr add 192.0.2.2/24 dev up0");
    ip("addr add 198.51.100.2/24 dev up1");
    ip("addr add 10.0.0.1/24 dev lan0");
    ip("route add default via 198.51.100.1 dev up1 metric 100 proto dhcp");
    ip("route add default via 192.0.2.1 dev up0 metric 200 proto static");
  }
  static fakes::ProgramResult init(std::vector<std::string> arguments, bool as_nobody = false) {
    std::vector<std::string> argv;
    if (as_nobody) argv = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    argv.insert(argv.end(), {MULTILINK_BIN_DIR "/multilinkctl", "init"});
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return fakes::run_program({argv});
  }
  static std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fakes::OwnDirectory directory_;
  std::string path_ = directory_.path() + "/interfaces.conf";
};

TEST_F(Init, WritesWhatThisHostHas) {
  add_uplinks();
  ip("link add br-1 type bridge");
  ip("link set lan0p master br-1");
  ip("tuntap add mode tun name vpn0");
  const auto done = init({"--output", path_});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out,
              AllOf(StartsWith(cat("Wrote ", path_, ": 2 uplinks, best first:\n  1. up1\n")),
                    HasSubstr("  - lan0 has 10.0.0.1/24 and no default route: a LAN (veth)\n"),
                    HasSubstr("  - lan0p is a port of br-1\n"), HasSubstr("  - br-1 is a bridge without"),
                    HasSubstr("  - vpn0 is a tunnel (tun)"), HasSubstr("pingd --check"),
                    HasSubstr("systemctl enable --now multilink.target")));
  EXPECT_THAT(done.err, IsEmpty());
  const auto parsed = parse_config(content_of(path_), path_);
  ASSERT_TRUE(parsed.config) << parsed.errors.front().to_string();
  ASSERT_THAT(parsed.config->uplinks, SizeIs(2));
  EXPECT_EQ(parsed.config->uplinks[0].device, "up1");
  const auto checked = fakes::run_program({{MULTILINK_BIN_DIR "/pingd", "--check", "--config", path_}});
  EXPECT_EQ(checked.status, 0) << checked.err;
}

TEST_F(Init, NeverOverwritesAFileUnasked) {
  add_uplinks();
  directory_.write("interfaces.conf", "# mine\n");
  const auto refused = init({"--config", path_});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, StartsWith(cat("multilinkctl: init: ", path_,
                                          " is there already and was not touched; --force")));
  EXPECT_EQ(content_of(path_), "# mine\n");
  const auto forced = init({"--config", path_, "--force"});
  EXPECT_EQ(forced.status, 0) << forced.err;
  EXPECT_THAT(content_of(path_), HasSubstr("\n[up1]\n"));
  EXPECT_EQ(content_of(path_ + ".old"), "# mine\n");
}

TEST_F(Init, NeedsNoRoot) {
  add_uplinks();
  const auto shown = init({"--output", "-"}, true);
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(StartsWith("# /etc/multilink/interfaces.conf: "), HasSubstr("\n[up0]\n")));
  EXPECT_THAT(shown.err, StartsWith("Found 2 uplinks, best first:\n"));
  const auto refused = init({"--output", path_}, true);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("cannot be written: Permission denied; be root, or name another file"));
  const auto nowhere = init({"--output", "/nonexistent/x/y.conf"});
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("make the folder with 'mkdir -p /nonexistent/x'"));
}

TEST_F(Init, SaysWhatItLookedAtWhereThereIsNothing) {
  fakes::add_device("lan0");
  ip("addr add 10.0.0.1/24 dev lan0");
  const auto shown = init({"--output", path_});
  EXPECT_EQ(shown.status, 2);
  EXPECT_THAT(shown.out, IsEmpty());
  EXPECT_THAT(shown.err, AllOf(HasSubstr("no uplink found: no default route"),
                               HasSubstr("lan0 has 10.0.0.1/24"), HasSubstr("man 5 interfaces.conf")));
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(Init, OddNamesAndIpv6) {
  for (const auto* name : {"a]b", "e#0", "squid"}) fakes::add_device(name);
  ip("addr add 192.0.2.2/24 dev a]b");
  ip("addr add 198.51.100.2/24 dev squid");
  ip("route add default via 192.0.2.1 dev a]b");
  ip("route add default via 198.51.100.1 dev squid metric 9");
  ip("-6 addr add 2001:db8::2/64 dev e#0 nodad");
  ip("-6 route add default via fe80::1 dev e#0 metric 1024 proto ra");
  const auto done = init({"--output", path_});
  EXPECT_EQ(done.status, 0) << done.err;
  const auto parsed = parse_config(content_of(path_), path_);
  ASSERT_TRUE(parsed.config) << parsed.errors.front().to_string();
  ASSERT_THAT(parsed.config->uplinks, SizeIs(1));
  EXPECT_EQ(parsed.config->uplinks[0].device, "e#0");
  EXPECT_THAT(done.out, HasSubstr("- a]b has a name that no section"));
}

}  // namespace init_test
}  // namespace multilink
