// SPDX-License-Identifier: GPL-2.0-or-later
// What the executables of the daemons have in common: options, exit statuses, messages.

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace daemons_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::array kDaemons{"pingd", "healthd", "routed"};

std::string executable(std::string_view daemon) {
  return cat(MULTILINK_BIN_DIR "/", daemon);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n') + 1);
}

TEST(Daemons, EachRefusesEveryBadConfigurationWithItsReason) {
  const auto before = fs::current_path();
  fs::current_path(MULTILINK_SOURCE_DIR "/tests/data/bad-config");
  unsigned files = 0;
  for (const auto& entry : fs::directory_iterator(".")) {
    if (entry.path().extension() != ".conf") continue;
    ++files;
    const auto name = entry.path().filename().string();
    const auto expected = first_line(read_file(fs::path(name).replace_extension(".expected")));
    for (const auto* daemon : kDaemons) {
      const auto checked = fakes::run_program({{executable(daemon), "--check", "--config", name}});
      EXPECT_EQ(checked.status, 78) << daemon << ' ' << name;
      EXPECT_EQ(first_line(checked.err), expected) << daemon;
      EXPECT_THAT(checked.out, IsEmpty()) << daemon << ' ' << name;
    }
  }
  fs::current_path(before);
  EXPECT_GE(files, 99U);
}

TEST(Daemons, EachTellsWhatIsWrongWithTheFileAndWhatToDo) {
  const fakes::OwnDirectory directory;
  const auto large = directory.write("large.conf", std::string(2 << 20, '#'));
  const auto missing = directory.path() + "/missing.conf";
  const std::map<std::string, std::string> expected{
      {missing,
       "the configuration cannot be read: No such file or directory; write one, or name it with "
       "--config FILE\n"},
      {directory.path(),
       "the configuration cannot be read: Is a directory; name a readable text file with "
       "--config FILE\n"},
      {large, "the configuration is larger than 1048576 bytes; name the right file with --config FILE\n"}};
  for (const auto* daemon : kDaemons) {
    for (const auto& [path, message] : expected) {
      const auto checked = fakes::run_program({{executable(daemon), "--check", "--config", path}});
      EXPECT_EQ(checked.status, 78);
      EXPECT_THAT(checked.err, StartsWith(cat(path, ": ", message)));
    }
  }
}

/// A network of the test's own, and a Redis that is not there.
class DaemonsTogether : public testing::Test {
 protected:
  DaemonsTogether() { fakes::enter_own_network(); }

  std::string config(const std::string& site) const {
    return directory_.write(
        site + ".conf", cat("[multilink]\nredis = unix:/nonexistent\nsite = ", site, "\n[eth0]\n[eth1]\n"));
  }
  /// Until it holds its lock; what a second one says by then.
  static fakes::ProgramResult run_beside(const std::string& daemon, const std::string& file) {
    fakes::ProgramResult second;
    for (int i = 0; i < 1000 && !held(daemon); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return fakes::run_program({{"/usr/bin/timeout", "10", executable(daemon), "--config", file}});
  }
  static bool held(const std::string& daemon) {
    return read_file("/proc/thread-self/net/unix").find(cat("@multilink/", daemon, '/')) != std::string::npos;
  }

  fakes::OwnDirectory directory_;
};

TEST_F(DaemonsTogether, ASecondOneOfTheSameNameAndSiteDoesNotStart) {
  const auto file = config("paris");
  for (const std::string daemon : {"pingd", "healthd", "routed"}) {
    const fakes::BackgroundProgram first({{executable(daemon), "--config", file}});
    const auto second = run_beside(daemon, file);
    EXPECT_EQ(second.status, 1) << daemon;
    EXPECT_THAT(second.err, HasSubstr(cat("error: another ", daemon, " of site 'paris' runs in this network ",
                                          "namespace (process ", first.pid(),
                                          " of user 0); stop that one "
                                          "first (systemctl stop ",
                                          daemon, ")\n")));
    const auto checked = fakes::run_program({{executable(daemon), "--check", "--config", file}});
    EXPECT_EQ(checked.status, 0) << "only what runs for long needs the lock";
  }
}

TEST_F(DaemonsTogether, PlanAndClearWorkBesideRouted) {
  const auto file = config("paris");
  const fakes::BackgroundProgram first({{executable("routed"), "--config", file}});
  run_beside("routed", file);
  for (const std::string option : {"--plan", "--clear", "--version"}) {
    const auto result = fakes::run_program({{executable("routed"), "--config", file, option}});
    EXPECT_EQ(result.status, 0) << option << ": " << result.err;
  }
}

TEST_F(DaemonsTogether, OthersOfAnotherSiteOrNameStartAndSoDoesTheNextOneAfterADeath) {
  const auto starts = [&](const std::string& daemon, const std::string& site) {
    const auto result = fakes::run_program(
        {{"/usr/bin/timeout", "-s", "KILL", "0.3", executable(daemon), "--config", config(site)}});
    EXPECT_THAT(result.err, HasSubstr(" starts with 2 uplink(s)"));
    EXPECT_THAT(result.err, Not(HasSubstr("another")));
  };
  const fakes::BackgroundProgram first({{executable("healthd"), "--config", config("paris")}});
  run_beside("healthd", config("paris"));
  starts("healthd", "berlin");
  starts("healthd", "berlin");
  starts("routed", "paris");
}

TEST_F(DaemonsTogether, PingdWithoutItsCapabilitySaysWhichOne) {
  const auto result = fakes::run_program({{"/usr/bin/setpriv", "--bounding-set=-net_raw", "--inh-caps=-all",
                                           executable("pingd"), "--config", config("paris")}});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err,
              HasSubstr("pingd: cannot open a raw ICMP socket: Operation not permitted; that takes "
                        "CAP_NET_RAW: start it as root, or by its unit\n"));
}

}  // namespace daemons_test
}  // namespace multilink
