// SPDX-License-Identifier: GPL-2.0-or-later
// What every PacketFilter promises, tried on the fake and on the adapter with a real kernel.
#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "contract/packet_filter_worlds.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace packet_filter_contract_test {

struct WorldKind {
  const char* name;
  std::unique_ptr<PacketFilterWorld> (*make)();
};

std::ostream& operator<<(std::ostream& out, const WorldKind& kind) {
  return out << kind.name;
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

PacketFilterTable table_of(unsigned uplinks) {
  PacketFilterTable table;
  for (unsigned i = 1; i <= uplinks; ++i) {
    FilteredUplink uplink;
    uplink.index = i;
    uplink.device = cat("wan", i);
    uplink.addresses = {address(cat("198.18.", i, ".2")), address(cat("2001:db8:", i, "::2"))};
    uplink.masquerade = {Family::v4, Family::v6};
    if (i == 2) {
      uplink.translation = PrefixTranslation{IpPrefix::parse("fd00:1::/56").value(),
                                             IpPrefix::parse("2001:db8:2::/56").value()};
    }
    table.uplinks.push_back(std::move(uplink));
  }
  return table;
}

std::vector<TcpTuple> tuples_of(Family family, std::size_t count) {
  std::vector<TcpTuple> tuples;
  const auto client = address(family == Family::v4 ? "192.168.77.2" : "2001:db8:77::2");
  for (std::size_t i = 0; i < count; ++i) {
    const auto high = i >> 12U;
    const auto server = address(family == Family::v4 ? cat("203.0.113.", high) : cat("2001:db8:ff::", high));
    tuples.push_back({client, static_cast<std::uint16_t>(1024 + (i & 0xfffU)), server, 443});
  }
  return tuples;
}

class PacketFilterContract : public testing::TestWithParam<WorldKind> {
 protected:
  PacketFilter& filter() { return world_->filter(); }
  void replace(const PacketFilterTable& table) {
    const auto done = filter().replace(table);
    ASSERT_TRUE(done) << done.error().message;
  }
  bool is_in_force() {
    const auto answer = filter().is_in_force();
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(false);
  }
  std::size_t reset(const std::vector<TcpTuple>& tuples) {
    const auto count = filter().reset(tuples);
    EXPECT_TRUE(count) << count.error().message;
    return count.value_or(0);
  }
  void watch() {
    filter().watch([this] { ++calls_; });
  }

  std::unique_ptr<PacketFilterWorld> world_ = GetParam().make();
  unsigned calls_ = 0;
};

TEST_P(PacketFilterContract, NothingIsInForceBeforeTheFirstReplacement) {
  EXPECT_FALSE(is_in_force());
  EXPECT_FALSE(world_->has_table());
}

TEST_P(PacketFilterContract, WhatWasPutThereIsInForce) {
  for (const unsigned uplinks : {2U, 3U, 1U, 0U, 62U, 62U}) {
    replace(table_of(uplinks));
    EXPECT_TRUE(is_in_force()) << uplinks;
  }
  EXPECT_TRUE(world_->has_table());
}

TEST_P(PacketFilterContract, AnotherMaskIsAReplacementLikeAnyOther) {
  for (const std::uint32_t mask : {0x3f000000U, 0xffffffffU, 0x00000007U, 0xff000000U}) {
    auto table = table_of(2);
    table.mark_mask = mask;
    replace(table);
    EXPECT_TRUE(is_in_force());
  }
}

TEST_P(PacketFilterContract, NamesOfDevicesMayBeStrange) {
  auto table = table_of(8);
  const std::array<const char*, 8> names{"eth0.100", "tun@home", "w\xc3\xa9", "a*b",
                                         "a;b{}$x",  "#",        "\\",        "\xff"};
  for (std::size_t i = 0; i < names.size(); ++i) table.uplinks[i].device = names.at(i);
  replace(table);
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, ADeviceThatCannotBeWrittenIsAnErrorAndChangesNothing) {
  replace(table_of(2));
  auto table = table_of(1);
  table.uplinks[0].device = "wan*";
  const auto done = filter().replace(table);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, testing::HasSubstr("wan*"));
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, ALoadedRulesetOfOthersIsToldOfAndOursComesBack) {
  watch();
  replace(table_of(2));
  world_->flush_ruleset();
  EXPECT_TRUE(world_->run_until([this] { return calls_ > 0; }));
  EXPECT_FALSE(is_in_force());
  replace(table_of(2));
  EXPECT_TRUE(is_in_force());
  EXPECT_TRUE(world_->has_table());
}

TEST_P(PacketFilterContract, AChangeInsideIsToldOfAndUndone) {
  watch();
  for (const auto change : {&PacketFilterWorld::empty_a_chain, &PacketFilterWorld::change_a_policy,
                            &PacketFilterWorld::add_a_chain}) {
    replace(table_of(2));
    world_->settle();
    calls_ = 0;
    ((*world_).*change)();
    EXPECT_TRUE(world_->run_until([this] { return calls_ > 0; }));
    EXPECT_FALSE(is_in_force());
  }
  replace(table_of(2));
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, AChangeBeforeTheReplacementIsUndoneByIt) {
  watch();
  replace(table_of(2));
  world_->change_a_policy();
  replace(table_of(2));
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, OtherTablesAreNotOurs) {
  watch();
  replace(table_of(2));
  world_->touch_another_table();
  world_->settle();
  EXPECT_EQ(calls_, 0U);
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, OwnChangesAreNotToldOf) {
  watch();
  for (int round = 0; round < 3; ++round) {
    replace(table_of(2));
    world_->settle();
    reset(tuples_of(Family::v4, 10));
    world_->settle();
    ASSERT_TRUE(filter().remove());
    world_->settle();
  }
  EXPECT_EQ(calls_, 0U);
}

TEST_P(PacketFilterContract, LostNotificationsAreToldOfAsAChange) {
  watch();
  replace(table_of(2));
  world_->lose_notifications();
  EXPECT_TRUE(world_->run_until([this] { return calls_ > 0; }));
  EXPECT_TRUE(is_in_force());
  world_->settle();
  calls_ = 0;
  world_->flush_ruleset();
  EXPECT_TRUE(world_->run_until([this] { return calls_ > 0; }));
}

TEST_P(PacketFilterContract, RemovingTakesEverythingAwayAndMayBeDoneTwice) {
  replace(table_of(2));
  reset(tuples_of(Family::v4, 1));
  for (int round = 0; round < 2; ++round) {
    const auto done = filter().remove();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(*done, round == 0) << "whether there was one";
    EXPECT_FALSE(world_->has_table());
    EXPECT_FALSE(filter().exists().value());
    EXPECT_FALSE(is_in_force());
  }
  replace(table_of(2));
  EXPECT_EQ(world_->resets(), 0U);
}

TEST_P(PacketFilterContract, RemovingTakesWhatOthersPutInside) {
  replace(table_of(2));
  EXPECT_TRUE(filter().exists().value());
  world_->add_a_chain();
  EXPECT_TRUE(filter().remove());
  EXPECT_FALSE(world_->has_table());
}

TEST_P(PacketFilterContract, WithoutATableNothingCanBeReset) {
  const auto count = filter().reset(tuples_of(Family::v4, 1));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, ENOENT);
  EXPECT_EQ(filter().reset({}).value_or(1), 0U);
}

TEST_P(PacketFilterContract, TuplesOfBothFamiliesAreTaken) {
  replace(table_of(2));
  auto tuples = tuples_of(Family::v4, 3);
  const auto more = tuples_of(Family::v6, 2);
  tuples.insert(tuples.begin() + 1, more.begin(), more.end());
  EXPECT_EQ(reset(tuples), 5U);
  EXPECT_EQ(world_->resets(), 5U);
  EXPECT_EQ(reset(tuples), 5U) << "those that are there count";
  EXPECT_EQ(world_->resets(), 5U);
  EXPECT_TRUE(is_in_force());
}

TEST_P(PacketFilterContract, TuplesStayThroughReplacements) {
  replace(table_of(3));
  reset(tuples_of(Family::v4, 7));
  reset(tuples_of(Family::v6, 6));
  for (const unsigned uplinks : {2U, 5U, 0U, 3U}) {
    replace(table_of(uplinks));
    EXPECT_EQ(world_->resets(), 13U);
  }
  auto table = table_of(2);
  table.mark_mask = 0x00ff0000;
  replace(table);
  EXPECT_EQ(world_->resets(), 13U);
}

TEST_P(PacketFilterContract, ThereIsRoomForSoManyTuplesAndNoMore) {
  replace(table_of(1));
  EXPECT_EQ(reset(tuples_of(Family::v4, PacketFilter::kMostResets - 100)), PacketFilter::kMostResets - 100);
  auto more = tuples_of(Family::v4, PacketFilter::kMostResets + 50);
  more.erase(more.begin(), more.begin() + static_cast<std::ptrdiff_t>(PacketFilter::kMostResets - 100));
  EXPECT_EQ(reset(more), 100U);
  EXPECT_EQ(reset(tuples_of(Family::v6, 10)), 10U);
}

TEST_P(PacketFilterContract, ADrillEndsByItself) {
  EXPECT_EQ(filter().drill("wan1", std::chrono::seconds(1)).error().code, ENOENT);
  replace(table_of(2));
  const auto done = filter().drill("wan1", std::chrono::milliseconds(1500));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(world_->is_drilled("wan1"));
  EXPECT_FALSE(world_->is_drilled("wan2"));
  replace(table_of(3));
  EXPECT_TRUE(world_->is_drilled("wan1"));
  EXPECT_TRUE(is_in_force());
  EXPECT_TRUE(world_->run_until([&] { return !world_->is_drilled("wan1"); }));
  EXPECT_TRUE(is_in_force());
  EXPECT_FALSE(filter().drill("wan1", std::chrono::microseconds(999)));
}

TEST_P(PacketFilterContract, ADrillCanBeEndedEarlier) {
  replace(table_of(2));
  ASSERT_TRUE(filter().drill("wan1", std::chrono::minutes(10)));
  ASSERT_TRUE(filter().end_drill("wan1"));
  EXPECT_FALSE(world_->is_drilled("wan1"));
  EXPECT_TRUE(filter().end_drill("wan1"));
}

TEST_P(PacketFilterContract, OrphansAreResetForAsLongAsWasSaidLast) {
  EXPECT_EQ(filter().reset_orphans(Family::v4, std::chrono::seconds(1)).error().code, ENOENT);
  replace(table_of(2));
  ASSERT_TRUE(filter().reset_orphans(Family::v4, std::chrono::milliseconds(200)));
  const auto again = filter().reset_orphans(Family::v4, std::chrono::milliseconds(1500));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(world_->resets_orphans(Family::v6));
  replace(table_of(3));
  EXPECT_TRUE(is_in_force());
  EXPECT_TRUE(world_->run_until([&] { return !world_->resets_orphans(Family::v4); }));
  ASSERT_TRUE(filter().reset_orphans(Family::v6, std::chrono::minutes(2)));
  EXPECT_TRUE(world_->resets_orphans(Family::v6));
  ASSERT_TRUE(filter().reset_orphans(Family::v6, Duration{}));
  EXPECT_FALSE(world_->resets_orphans(Family::v6));
  ASSERT_TRUE(filter().reset_orphans(Family::v6, Duration{}));
}

INSTANTIATE_TEST_SUITE_P(Worlds, PacketFilterContract,
                         testing::Values(WorldKind{"Fake", make_fake_packet_filter_world},
                                         WorldKind{"Real", make_real_packet_filter_world}),
                         [](const testing::TestParamInfo<WorldKind>& kind) { return kind.param.name; });

}  // namespace packet_filter_contract_test
}  // namespace multilink
