// SPDX-License-Identifier: GPL-2.0-or-later
// What every Leases promises, tried on the fake and on the adapter with real files; and what the adapter alone does.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <stdexcept>

#include "fakes/fake_leases.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_scheduler.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace leases_contract_test {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

DhcpLease lease_of(std::string device, std::string_view router = "192.0.2.1") {
  return {std::move(device), 0, address("192.0.2.7"), address(router), std::nullopt};
}

/// As dhclient writes it.
std::string text_of(const DhcpLease& lease) {
  return cat("lease {\n  interface \"", lease.device, "\";\n  fixed-address ", lease.address.to_string(),
             ";\n  option routers ", lease.gateway->to_string(), ";\n  expire never;\n}\n");
}

class LeaseWorld {
 public:
  virtual ~LeaseWorld() = default;
  virtual Leases& leases() = 0;
  /// A client writes all of its leases anew.
  virtual void write(const std::vector<DhcpLease>& leases) = 0;
  virtual void run_for(Duration span) = 0;
};

class FakeLeaseWorld final : public LeaseWorld {
 public:
  Leases& leases() override { return leases_; }
  void write(const std::vector<DhcpLease>& leases) override { leases_.set(leases); }
  void run_for(Duration span) override { scheduler_.advance(span); }

 private:
  fakes::FakeScheduler scheduler_;
  fakes::FakeLeases leases_{scheduler_};
};

class RealLeaseWorld final : public LeaseWorld {
 public:
  RealLeaseWorld() {
    std::string pattern = std::filesystem::temp_directory_path() / "multilink-leases-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = pattern;
    leases_ = std::make_unique<LeaseFiles>(loop_, log_, root_.string());
  }
  ~RealLeaseWorld() override { std::filesystem::remove_all(root_); }

  Leases& leases() override { return *leases_; }
  void write(const std::vector<DhcpLease>& leases) override {
    std::string text;
    for (const auto& lease : leases) text += text_of(lease);
    put("var/lib/dhcp/dhclient.leases", text);
  }
  void run_for(Duration span) override {
    const auto end = loop_.after(span, [this] { loop_.stop(); });
    loop_.run();
  }

  /// In one write to a file of that name, which is made with its folders where it is not there.
  void put(const std::string& path, const std::string& text, std::ios::openmode mode = std::ios::trunc) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary | std::ios::out | mode) << text;
  }
  const std::filesystem::path& root() const { return root_; }
  EventLoop& loop() { return loop_; }
  fakes::FakeLog& log() { return log_; }

 private:
  std::filesystem::path root_;
  EventLoop loop_;
  fakes::FakeLog log_;
  std::unique_ptr<LeaseFiles> leases_;
};

template <class World>
class LeasesContract : public testing::Test {
 protected:
  void watch() {
    world_.leases().watch([this] { ++calls_; });
  }
  void pass() { world_.run_for(milliseconds(50)); }

  World world_;
  int calls_ = 0;
};

using Worlds = testing::Types<FakeLeaseWorld, RealLeaseWorld>;
TYPED_TEST_SUITE(LeasesContract, Worlds);

TYPED_TEST(LeasesContract, ThereMayBeNone) {
  this->watch();
  EXPECT_THAT(this->world_.leases().read(), IsEmpty());
}

TYPED_TEST(LeasesContract, AreReadInTheirOrderAlsoWithoutWatching) {
  this->world_.write({lease_of("e0"), lease_of("e1")});
  EXPECT_THAT(this->world_.leases().read(), ElementsAre(lease_of("e0"), lease_of("e1")));
  this->world_.write({lease_of("e2")});
  EXPECT_THAT(this->world_.leases().read(), ElementsAre(lease_of("e2")));
}

TYPED_TEST(LeasesContract, AChangeIsToldFromTheLoopAndThenRead) {
  this->world_.write({lease_of("e0")});
  this->watch();
  EXPECT_THAT(this->world_.leases().read(), ElementsAre(lease_of("e0")));
  this->pass();
  this->calls_ = 0;
  this->world_.write({lease_of("e0", "192.0.2.254")});
  EXPECT_EQ(this->calls_, 0);
  this->pass();
  EXPECT_GT(this->calls_, 0);
  EXPECT_THAT(this->world_.leases().read(), ElementsAre(lease_of("e0", "192.0.2.254")));
}

TYPED_TEST(LeasesContract, ManyAtOnceAreOneCall) {
  this->world_.write({lease_of("e0")});
  this->watch();
  this->pass();
  this->calls_ = 0;
  for (int i = 1; i < 20; ++i) this->world_.write({lease_of("e0", cat("192.0.2.", i))});
  this->pass();
  EXPECT_EQ(this->calls_, 1);
}

TYPED_TEST(LeasesContract, WithoutAChangeThereIsNoCall) {
  this->world_.write({lease_of("e0")});
  this->watch();
  this->pass();
  this->calls_ = 0;
  for (int i = 0; i < 3; ++i) (void)this->world_.leases().read();
  this->pass();
  EXPECT_EQ(this->calls_, 0);
}

class LeaseFilesTest : public LeasesContract<RealLeaseWorld> {
 protected:
  std::vector<DhcpLease> read() { return world_.leases().read(); }
  /// Whether a change has been told of since the last question.
  bool told() {
    pass();
    return std::exchange(calls_, 0) > 0;
  }
};

TEST_F(LeaseFilesTest, FoldersMayComeAndGo) {
  watch();
  EXPECT_THAT(read(), IsEmpty());
  for (int round = 0; round < 3; ++round) {
    world_.write({lease_of("e0")});
    EXPECT_TRUE(told()) << round;
    EXPECT_THAT(read(), SizeIs(1)) << round;
    world_.write({lease_of("e0", "192.0.2.9")});
    EXPECT_TRUE(told()) << round;
    EXPECT_THAT(read(), ElementsAre(lease_of("e0", "192.0.2.9"))) << round;
    std::filesystem::remove_all(world_.root() / (round == 0 ? "var/lib/dhcp" : "var"));
    EXPECT_TRUE(told()) << round;
    EXPECT_THAT(read(), IsEmpty()) << round;
  }
}

TEST_F(LeaseFilesTest, AFolderMayBeReplacedByAnother) {
  world_.write({lease_of("e0")});
  watch();
  EXPECT_THAT(read(), SizeIs(1));
  std::filesystem::rename(world_.root() / "var/lib/dhcp", world_.root() / "var/lib/old");
  EXPECT_TRUE(told());
  EXPECT_THAT(read(), IsEmpty());
  world_.write({lease_of("e1")});
  EXPECT_TRUE(told());
  EXPECT_THAT(read(), ElementsAre(lease_of("e1")));
  world_.put("var/lib/old/dhclient.leases", "");
  EXPECT_FALSE(told());
}

TEST_F(LeaseFilesTest, AFileInTheWayOfAFolderIsNotWaitedForInALoop) {
  world_.put("run/systemd", "not a folder");
  watch();
  EXPECT_THAT(read(), IsEmpty());
  std::filesystem::remove(world_.root() / "run/systemd");
  world_.put("run/systemd/netif/leases/3", "ADDRESS=192.0.2.7\nROUTER=192.0.2.1\n");
  EXPECT_TRUE(told());
  EXPECT_THAT(read(), SizeIs(1));
}

TEST_F(LeaseFilesTest, ALeaseThatIsAppendedByAnOpenFileIsNoticed) {
  world_.write({lease_of("e0")});
  watch();
  std::ofstream file(world_.root() / "var/lib/dhcp/dhclient.leases", std::ios::app);
  file << text_of(lease_of("e0", "192.0.2.9")) << std::flush;
  EXPECT_TRUE(told());
  EXPECT_THAT(read(), ElementsAre(lease_of("e0"), lease_of("e0", "192.0.2.9")));
}

TEST_F(LeaseFilesTest, AllClientsAreRead) {
  world_.put("run/systemd/netif/leases/3", "ADDRESS=192.0.2.7\nROUTER=192.0.2.1\n");
  world_.put("run/NetworkManager/devices/4",
             "[dhcp4]\ndhcp4.ip_address=192.0.2.7\ndhcp4.routers=192.0.2.1\n");
  world_.put("var/lib/dhclient/dhclient-0a-e5.lease", text_of(lease_of("e5")));
  world_.put("var/lib/dhcp/dhclient.e6.leases", text_of(lease_of("e6")));
  EXPECT_THAT(read(), testing::UnorderedElementsAre(
                          DhcpLease{"", 3, address("192.0.2.7"), address("192.0.2.1"), std::nullopt},
                          DhcpLease{"", 4, address("192.0.2.7"), address("192.0.2.1"), std::nullopt},
                          lease_of("e5"), lease_of("e6")));
}

TEST_F(LeaseFilesTest, OtherFilesAreLeftAlone) {
  const auto text = text_of(lease_of("e0"));
  watch();
  for (const auto* name : {"dhcpd.leases", "dhclient.leases.bak", "dhclient.leases.x", "old.leases"}) {
    world_.put(cat("var/lib/dhcp/", name), text);
  }
  for (const auto* name : {"0", "x3", "3.tmp", ".#3abc"}) {
    world_.put(cat("run/systemd/netif/leases/", name), "ADDRESS=192.0.2.7\nROUTER=192.0.2.1\n");
  }
  EXPECT_THAT(read(), IsEmpty());
  pass();
  calls_ = 0;
  world_.put("var/lib/dhcp/dhcpd.leases", text);
  EXPECT_FALSE(told()) << "the LAN's server writes with every client";
}

TEST_F(LeaseFilesTest, NothingButAnOrdinaryFileIsRead) {
  const auto folder = world_.root() / "var/lib/dhcp";
  std::filesystem::create_directories(folder / "dhclient.dir.leases");
  ASSERT_EQ(mkfifo((folder / "dhclient.pipe.leases").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", folder / "dhclient.zero.leases");
  std::filesystem::create_symlink("nowhere", folder / "dhclient.nowhere.leases");
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(LeaseFilesTest, OfALargeFileTheEndIsRead) {
  std::string text;
  while (text.size() < 2 * LeaseFiles::kLargest) text += text_of(lease_of("e0"));
  text += text_of(lease_of("e1"));
  world_.put("var/lib/dhcp/dhclient.leases", text);
  const auto found = read();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back(), lease_of("e1"));
  EXPECT_LT(found.size(), 100U);
}

TEST_F(LeaseFilesTest, TheFileChangedLastComesLast) {
  for (const int first : {1, 2}) {
    world_.put(cat("var/lib/dhcp/dhclient.", first, ".leases"), text_of(lease_of(cat("e", first))));
    world_.run_for(milliseconds(20));
    world_.put(cat("var/lib/dhcp/dhclient.", 3 - first, ".leases"), text_of(lease_of(cat("e", 3 - first))));
    EXPECT_EQ(read().back().device, cat("e", 3 - first));
    world_.run_for(milliseconds(20));
  }
}

}  // namespace leases_contract_test
}  // namespace multilink
