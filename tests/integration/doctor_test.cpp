// SPDX-License-Identifier: GPL-2.0-or-later
// `multilinkctl doctor` on a real kernel and a real Redis.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/adapters/doctor_command.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace doctor_test {

using fakes::ip;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Doctor : public testing::Test {
 protected:
  Doctor() {
    fakes::enter_own_network();
    for (const auto* name : {"up0", "up1"}) fakes::add_device(name);
    ip("addr add 192.0.2.2/24 dev up0");
    ip("addr add 198.51.100.2/24 dev up1");
    ip("route add default via 192.0.2.1 dev up0");
    ip("route add default via 198.51.100.1 dev up1 metric 200");
  }

  fakes::ProgramResult doctor(std::vector<std::string> more = {}, bool as_nobody = false) const {
    std::vector<std::string> argv;
    if (as_nobody) argv = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    argv.insert(argv.end(), {MULTILINK_BIN_DIR "/multilinkctl", "--config", config_, "doctor"});
    argv.insert(argv.end(), more.begin(), more.end());
    return fakes::run_program({argv, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
  }
  /// The verdicts of the checks of this name, with what was found.
  std::vector<std::string> verdicts(const std::string& name,
                                    std::vector<std::string> more = {"--json"}) const {
    std::vector<std::string> out;
    const auto report = json::parse(doctor(more).out);
    for (const auto& check : report["checks"]) {
      if (check["name"] == name)
        out.push_back(cat(check["verdict"].get<std::string>(), " ", check["finding"].get<std::string>()));
    }
    return out;
  }

  fakes::OwnDirectory directory_;
  fakes::RealRedis redis_;
  std::string config_ = directory_.write(
      "interfaces.conf", cat("[multilink]\nredis = ", redis_.address().to_string(), "\n[up0]\n[up1]\n"));
};

TEST_F(Doctor, FindsWhatIsWellAndWhatIsAmiss) {
  for (const auto& command : fakes::commands_to_write(fakes::sample_snapshot())) redis_.execute(command);
  const auto shown = doctor();
  EXPECT_THAT(shown.err, IsEmpty());
  for (const auto* feature : {"IPv4 policy routing", "several next hops", "nftables", "connection tracking",
                              "destruction of sockets"}) {
    EXPECT_THAT(shown.out, HasSubstr(cat("ok       kernel: ", feature, ": works"))) << shown.out;
  }
  EXPECT_THAT(shown.out, HasSubstr("uplink up0 IPv4: up0 has 192.0.2.2 and the gateway 192.0.2.1\n"));
  EXPECT_THAT(verdicts("Redis"), ElementsAre(HasSubstr("ok ")));
  EXPECT_THAT(verdicts("daemon pingd"), ElementsAre(StartsWith("note runs, by another configuration")));
  EXPECT_THAT(verdicts("rules of others"), ElementsAre(StartsWith("ok ")));
  EXPECT_THAT(ip("rule show"), Not(HasSubstr("1000:"))) << "what is tried stays in its own namespace";
}

TEST_F(Doctor, FindsARuleThatWouldSwallowOurDefault) {
  ip("route add default via 192.0.2.1 dev up0 table 200");
  ip("rule add pref 100 lookup 200");
  EXPECT_THAT(verdicts("rules of others"),
              ElementsAre(HasSubstr("problem a rule that is not multilink's (100: from all lookup 200")));
  EXPECT_EQ(doctor().status, 2);
  ip("rule del pref 100");
  ip("rule add pref 100 from 192.0.2.2 lookup 200");
  EXPECT_THAT(verdicts("rules of others"), ElementsAre(StartsWith("ok ")));
}

TEST_F(Doctor, FindsMarksThatClash) {
  const auto set = [](const std::string& statement) {
    return fakes::run_program(
               {{"/usr/sbin/nft", cat("add table ip other; add chain ip other x { type filter hook "
                                      "prerouting priority 0; }; add rule ip other x ",
                                      statement)}})
        .status;
  };
  ASSERT_EQ(set("meta mark set meta mark and 0xff or 0x800"), 0);
  EXPECT_THAT(verdicts("marks of others"), ElementsAre(StartsWith("ok ")));
  ASSERT_EQ(set("meta mark set 0x1000000"), 0);
  EXPECT_THAT(verdicts("marks of others"),
              ElementsAre(HasSubstr("problem the nftables table ip other sets bits")));
}

TEST_F(Doctor, SaysThatRedisIsAway) {
  redis_.kill();
  const auto shown = doctor();
  EXPECT_EQ(shown.status, 2);
  EXPECT_THAT(shown.out, HasSubstr("problem  Redis: unix:"));
  EXPECT_THAT(shown.out, HasSubstr("systemctl start multilink-redis"));
}

TEST_F(Doctor, RunsWithoutRootAndOnARefusedConfiguration) {
  const auto shown = doctor({"--redis", redis_.address().to_string()}, true);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("kernel: nftables: works"),
                               HasSubstr("Permission denied; let this user read it")));
  directory_.write("interfaces.conf", "[up0]\nweight = x\n");
  const auto refused = doctor();
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.out, HasSubstr("problem  configuration: "));
  EXPECT_THAT(refused.out, HasSubstr("kernel: nftables"));
}

TEST(DoctorLogins, EachUserOfTheFolderMustGetInAndMayDoItsWork) {
  const fakes::RealRedis redis({"user pingd on >a ~* &* +@all", "user healthd on >b ~* &* -@all +ping",
                                "user reader on >c ~* &* +@all"});
  const fakes::OwnDirectory folder;
  folder.write("pingd", "pingd a\n");
  folder.write("healthd", "healthd b\n");
  folder.write("reader", "reader wrong\n");
  folder.write("redis.acl", "x");
  const auto checks = try_logins(folder.path(), redis.address(), "local", std::chrono::seconds(3));
  EXPECT_THAT(
      checks,
      ElementsAre(
          AllOf(Field(&Check::name, "Redis user healthd"), Field(&Check::finding, HasSubstr("NOPERM"))),
          AllOf(Field(&Check::name, "Redis user pingd"), Field(&Check::verdict, Verdict::ok)),
          AllOf(Field(&Check::name, "Redis user reader"), Field(&Check::finding, HasSubstr("WRONGPASS")),
                Field(&Check::remedy, HasSubstr("multilink-redis-users")))));
  EXPECT_THAT(try_logins("/nonexistent", redis.address(), "local", std::chrono::seconds(1)),
              ElementsAre(Field(&Check::verdict, Verdict::note)));
}

}  // namespace doctor_test
}  // namespace multilink
