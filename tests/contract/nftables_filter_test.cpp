// SPDX-License-Identifier: GPL-2.0-or-later
// The adapter of PacketFilter where the kernel or others stand in its way.
#include "multilink/adapters/nftables_filter.hpp"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "contract/network_namespace.hpp"
#include "multilink/adapters/event_loop.hpp"

namespace multilink {
namespace nftables_filter_test {

/// While this lives, the thread may not change the network.
class WithoutNetAdmin {
 public:
  WithoutNetAdmin() {
    EXPECT_EQ(syscall(SYS_capget, &header_, before_.data()), 0);
    auto less = before_;
    less[0].effective &= ~(1U << CAP_NET_ADMIN);
    EXPECT_EQ(syscall(SYS_capset, &header_, less.data()), 0);
  }
  ~WithoutNetAdmin() { EXPECT_EQ(syscall(SYS_capset, &header_, before_.data()), 0); }
  WithoutNetAdmin(const WithoutNetAdmin&) = delete;
  WithoutNetAdmin& operator=(const WithoutNetAdmin&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> before_{};
};

class Nftables : public testing::Test {
 protected:
  static PacketFilterTable table() {
    FilteredUplink uplink;
    uplink.index = 1;
    uplink.device = "wan1";
    return {.uplinks = {uplink}};
  }

  static bool asks_sets() { return nft("list chain inet multilink forward").find('@') != std::string::npos; }
  void run_for(Duration time) {
    const auto turn = loop_.after(time, [this] { loop_.stop(); });
    loop_.run();
  }
  bool is_calm_soon() {
    const auto end = loop_.now().mono + std::chrono::seconds(10);
    while (asks_sets() && loop_.now().mono < end) run_for(std::chrono::milliseconds(50));
    return !asks_sets();
  }

  NetworkNamespace namespace_;
  EventLoop loop_;
  NftablesFilter filter_{loop_};
};

TEST_F(Nftables, WithoutTheRightEveryCallSaysSoAndNothingChanges) {
  ASSERT_TRUE(filter_.replace(table()));
  {
    const WithoutNetAdmin poor;
    const auto replaced = filter_.replace({});
    ASSERT_FALSE(replaced);
    EXPECT_EQ(replaced.error().code, EPERM) << replaced.error().message;
    EXPECT_THAT(replaced.error().message,
                testing::AllOf(testing::StartsWith("nftables: table inet multilink: "),
                               testing::HasSubstr("Operation not permitted")));
    const auto removed = filter_.remove();
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, EPERM) << removed.error().message;
    const auto reset = filter_.reset({TcpTuple{}});
    ASSERT_FALSE(reset);
    EXPECT_EQ(reset.error().code, EPERM) << reset.error().message;
  }
  EXPECT_TRUE(filter_.is_in_force().value_or(false));
}

TEST_F(Nftables, WhateverATableOfItsNameHoldsItBecomesOurs) {
  ASSERT_TRUE(filter_.replace(table()));
  const auto fresh = nft("list table inet multilink");
  for (
      const auto* theirs : {
          "add table inet multilink; add set inet multilink evicted4 { type ipv4_addr; }",
          "add table inet multilink; add chain inet multilink forward { type filter hook input priority 5; }",
          "add table inet multilink; add chain inet multilink steer_1 { type filter hook input priority 5; }",
          "add table inet multilink; add chain inet multilink input; add chain inet multilink other; "
          "add rule inet multilink other jump input",
          "add table inet multilink { flags dormant; }",
          "add table inet multilink; add counter inet multilink c",
      }) {
    nft("flush ruleset");
    nft(theirs);
    const auto done = filter_.replace(table());
    EXPECT_TRUE(done) << theirs << ": " << done.error().message;
    EXPECT_TRUE(filter_.is_in_force().value_or(false)) << theirs;
    EXPECT_TRUE(nft("list table inet multilink") == fresh) << theirs << '\n'
                                                           << nft("list table inet multilink");
  }
}

TEST_F(Nftables, TakesOverWhatAnEarlierRunLeft) {
  ASSERT_TRUE(filter_.replace(table()));
  NftablesFilter next(loop_);
  EXPECT_FALSE(next.is_in_force().value_or(true));
  ASSERT_TRUE(next.replace(table()));
  EXPECT_TRUE(next.is_in_force().value_or(false));
  EXPECT_FALSE(filter_.is_in_force().value_or(true));
}

TEST_F(Nftables, AsksItsSetsOnlyWhileSomethingMayBeInThem) {
  ASSERT_TRUE(filter_.replace(table()));
  EXPECT_FALSE(asks_sets());
  const auto calm = nft("list table inet multilink");
  ASSERT_TRUE(filter_.reset_orphans(Family::v4, std::chrono::milliseconds(300)));
  EXPECT_TRUE(asks_sets());
  EXPECT_TRUE(filter_.is_in_force().value_or(false));
  NftablesFilter next(loop_);
  ASSERT_TRUE(next.replace(table()));
  EXPECT_TRUE(asks_sets()) << "what an earlier run has begun goes on";
  EXPECT_TRUE(is_calm_soon());
  EXPECT_EQ(nft("list table inet multilink"), calm);
}

TEST_F(Nftables, ADrillThatEndsEarlyLeavesNoQuestionsBehind) {
  ASSERT_TRUE(filter_.replace(table()));
  ASSERT_TRUE(filter_.drill("wan1", std::chrono::minutes(10)));
  EXPECT_TRUE(asks_sets());
  ASSERT_TRUE(filter_.end_drill("wan1"));
  EXPECT_TRUE(is_calm_soon());
  EXPECT_TRUE(filter_.is_in_force().value_or(false));
}

/// Whoever keeps the connections has to look for those that began without the table.
TEST_F(Nftables, ATableThatOthersTookAwayIsToldOfThoughAResetPutsItBack) {
  int told = 0;
  filter_.watch([&] { ++told; });
  ASSERT_TRUE(filter_.replace(table()));
  nft("flush ruleset");
  const auto count = filter_.reset({TcpTuple{}});
  EXPECT_EQ(count.value_or(0), 1U);
  EXPECT_FALSE(filter_.is_in_force().value_or(true));
  run_for(std::chrono::milliseconds(50));
  EXPECT_GT(told, 0);
  ASSERT_TRUE(filter_.replace(table()));
  EXPECT_TRUE(filter_.is_in_force().value_or(false));
}

}  // namespace nftables_filter_test
}  // namespace multilink
