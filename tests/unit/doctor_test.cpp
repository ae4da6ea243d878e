// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/doctor.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"

namespace multilink {
namespace doctor_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

auto is(Verdict verdict) {
  return Field(&Check::verdict, verdict);
}
auto says(std::string_view text) {
  return Field(&Check::finding, HasSubstr(std::string(text)));
}
auto advises(std::string_view text) {
  return Field(&Check::remedy, HasSubstr(std::string(text)));
}

TEST(Doctor, SaysEachErrorAndWarningOfTheConfigurationWithItsRemedy) {
  const auto refused = parse_config("[eth0]\nweight = x\nfoo = 1\n", "f");
  EXPECT_THAT(check_configuration(refused, "f", {}),
              ElementsAre(AllOf(is(Verdict::problem), says("f:2: weight: 'x'"), advises("weight = 2")),
                          AllOf(is(Verdict::problem), says("f:3: foo: is no key"))));
  const auto fine = parse_config("[eth0]\ntargets = 1.1.1.1\n[eth1]\n", "f");
  const auto checks = check_configuration(fine, "f", {});
  EXPECT_THAT(checks.front(), AllOf(is(Verdict::ok), says("f is valid: 2 uplinks")));
  EXPECT_THAT(checks, Contains(AllOf(is(Verdict::note), says("is the only IPv4 target"))));
  ParsedConfig absent;
  absent.errors.push_back({"f", 0, "the configuration cannot be read: No such file; write one"});
  EXPECT_THAT(check_configuration(absent, "f", {}), ElementsAre(advises("multilinkctl init")));
}

class DoctorOnUplinks : public testing::Test {
 protected:
  DoctorOnUplinks() { fakes::add_two_uplinks_and_lan(kernel_); }
  Checks check() { return check_uplinks(fakes::two_uplinks(), kernel_.read().value(), {}, {}); }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
};

TEST_F(DoctorOnUplinks, SaysWhatEachHas) {
  EXPECT_THAT(check(),
              ElementsAre(AllOf(is(Verdict::ok), says("eth0 has 192.0.2.2 and the gateway 192.0.2.1")),
                          is(Verdict::ok)));
}

TEST_F(DoctorOnUplinks, OneThatIsOutIsANoteAndAllThatAreOutAreAProblem) {
  kernel_.set_carrier("eth0", false);
  EXPECT_THAT(check(),
              ElementsAre(AllOf(is(Verdict::note), says("no carrier"), advises("cable")), is(Verdict::ok)));
  kernel_.set_admin_up("eth1", false);
  EXPECT_THAT(check(), Contains(AllOf(is(Verdict::problem), says("none of them could carry"))));
  EXPECT_THAT(check(), Contains(advises("ip link set eth1 up")));
}

TEST_F(DoctorOnUplinks, AGatewayThatNobodyTellsIsAProblem) {
  ASSERT_TRUE(kernel_.delete_route(fakes::default_via(kernel_, "192.0.2.1", "eth0", 100)));
  EXPECT_THAT(check(), Contains(AllOf(is(Verdict::problem), says("no IPv4 gateway is known on eth0"),
                                      advises("gateway = ADDRESS under [eth0]"))));
}

TEST(Doctor, FindsRulesOfOthersThatGoByMarksOfOurs) {
  fakes::FakeScheduler scheduler;
  fakes::FakeKernel kernel(scheduler);
  Rule rule;
  rule.priority = 100;
  rule.table = 52;
  rule.mark = MarkMatch{0x80000, 0xff0000};  // Tailscale
  ASSERT_TRUE(kernel.add_rule(rule));
  const auto config = fakes::two_uplinks();
  EXPECT_THAT(check_foreign_rules(config, kernel.read().value(), {}), ElementsAre(is(Verdict::ok)));
  rule.priority = 101;
  rule.mark = MarkMatch{0x1000000, 0x1000000};
  ASSERT_TRUE(kernel.add_rule(rule));
  EXPECT_THAT(check_foreign_rules(config, kernel.read().value(), {}),
              ElementsAre(AllOf(is(Verdict::problem), says("0x3f000000"), advises("mark_mask"))));
}

TEST(Doctor, FindsMarksOfOthersInTheRuleset) {
  constexpr std::uint32_t kMask = 0x3f000000;
  const auto of = [](const std::string& statement) {
    return check_foreign_marks(
        "table ip mangle {\n\tchain x {\n\t\tiifname \"lan0\" " + statement + "\n\t}\n}\n", kMask);
  };
  for (const auto* clash : {"meta mark set 0x01000000", "ct mark set 16777216",
                            "meta mark set meta mark & 0x00ffffff | 0x02000000 counter",
                            "meta mark set mark and 0xff00ffff or 0x1000000"}) {
    EXPECT_THAT(of(clash), ElementsAre(AllOf(is(Verdict::problem), says("table ip mangle")))) << clash;
  }
  for (const auto* fine :
       {"meta mark set 0x00000001", "meta mark set ct mark", "ct mark set meta mark & 0x3f000000",
        "meta mark set mark and 0xff00ffff or 0x40000", "accept"}) {
    EXPECT_THAT(of(fine), ElementsAre(is(Verdict::ok))) << fine;
  }
  EXPECT_THAT(check_foreign_marks("table inet multilink {\n\tmeta mark set 0x01000000\n}\n", kMask),
              ElementsAre(is(Verdict::ok)));
}

TEST(Doctor, SaysWhichFeatureOfTheKernelIsMissing) {
  EXPECT_THAT(check_features(std::vector<FeatureTrial>{{"nftables", "", "x"}, {"hops", "refused", "get it"}}),
              ElementsAre(is(Verdict::ok), AllOf(is(Verdict::problem), says("refused"), advises("get it"))));
  EXPECT_THAT(check_features(tl::unexpected(Error{"no namespace"})),
              ElementsAre(AllOf(is(Verdict::note), says("no namespace"))));
}

TEST(Doctor, LooksAfterTheDaemonsAndTheirConfiguration) {
  DaemonRecord record;
  record.config_hash = "0123456789abcdef";
  record.version = "1.0";
  const auto check = [&](std::string_view hash) {
    return check_daemons({{"pingd", record}, {"routed", tl::unexpected(Error{"it is away"})}}, hash);
  };
  EXPECT_THAT(check("0123456789abcdef"), ElementsAre(AllOf(is(Verdict::ok), says("version 1.0")),
                                                     AllOf(is(Verdict::problem), says("it is away"),
                                                           advises("systemctl start routed"))));
  EXPECT_THAT(check("ffffffffffffffff"), Contains(AllOf(is(Verdict::note), says("another configuration"),
                                                        advises("systemctl reload pingd"))));
  EXPECT_THAT(check(""), Contains(is(Verdict::ok))) << "the file is refused: that is said elsewhere";
  record.stores = false;
  EXPECT_THAT(check(""), Contains(AllOf(is(Verdict::problem), says("runs, but Redis is full"),
                                        advises("raise maxmemory in /etc/multilink/redis.conf"))));
}

TEST(Doctor, LooksAfterTheUnits) {
  const std::string fine =
      "LoadState=loaded\nActiveState=active\nResult=success\nAmbientCapabilities=cap_net_admin cap_net_raw\n"
      "CapabilityBoundingSet=cap_net_admin cap_net_raw\n";
  EXPECT_THAT(check_unit("routed", fine, {"cap_net_admin", "cap_net_raw"}), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_unit("routed", fine, {"cap_sys_admin"}),
              ElementsAre(AllOf(is(Verdict::problem), says("without cap_sys_admin"),
                                advises("systemctl cat routed"))));
  EXPECT_THAT(check_unit("routed", "LoadState=loaded\nActiveState=failed\nResult=exit-code\n", {}),
              ElementsAre(AllOf(is(Verdict::problem), says("exit-code"), advises("journalctl -u routed"))));
  EXPECT_THAT(check_unit("routed", "LoadState=not-found\n", {"cap_net_raw"}), ElementsAre(is(Verdict::note)));
  EXPECT_THAT(check_target("UnitFileState=enabled\n"), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_target("UnitFileState=disabled\n"), ElementsAre(advises("systemctl enable")));
}

TEST(Doctor, WantsAClockThatCanBeRight) {
  const WallTime now(std::chrono::sys_days(std::chrono::year(2026) / 11 / 1));
  EXPECT_THAT(check_clock(now, true), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_clock(now, std::nullopt), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_clock(now, false), ElementsAre(is(Verdict::note)));
  EXPECT_THAT(check_clock(WallTime{}, true), ElementsAre(AllOf(is(Verdict::problem), says("1970-01-01"))));
}

TEST(Doctor, WantsNetworkdToLeaveRoutesAlone) {
  const std::string drop_in = "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n";
  EXPECT_THAT(check_networkd(false, {}), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_networkd(true, {drop_in}), ElementsAre(is(Verdict::ok)));
  EXPECT_THAT(check_networkd(true, {drop_in, "[Network]\nManageForeignRoutes=yes\n"}),
              ElementsAre(AllOf(is(Verdict::problem), says("without ManageForeignRoutes=no:"),
                                advises("networkd.conf.d/multilink.conf"))));
  EXPECT_THAT(check_networkd(true, {"[DHCP]\nManageForeignRoutes=no\n"}), ElementsAre(is(Verdict::problem)));
}

TEST(Doctor, ReportsALineForEachCheck) {
  const Checks checks{{"clock", Verdict::ok, "is fine", ""},
                      {"nft", Verdict::problem, "is\x1b gone", "mend it"},
                      {"x", Verdict::note, "so so", ""}};
  EXPECT_EQ(render_checks_text(checks),
            "ok       clock: is fine\nproblem  nft: is\\x1b gone; mend it\nnote     x: so so\n"
            "1 problem found, 1 note.\n");
  EXPECT_EQ(render_checks_text({}), "No problem found.\n");
  const auto json = nlohmann::json::parse(render_checks_json(checks));
  EXPECT_EQ(json["problems"], 1);
  EXPECT_EQ(json["checks"][0]["remedy"], nullptr);
  EXPECT_EQ(json["checks"][1]["verdict"], "problem");
  EXPECT_THAT(json["checks"], SizeIs(3));
}

}  // namespace doctor_test
}  // namespace multilink
