// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/connection_mover.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "fakes/connection_samples.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_scheduler.hpp"

namespace multilink {
namespace connection_mover_test {

using fakes::connection;
using fakes::kMask;
using fakes::tcp;
using fakes::translated;
using fakes::tuple;
using fakes::udp;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::uint32_t kFirst = 0x01000000;
constexpr std::uint32_t kSecond = 0x02000000;

/// A gateway with connections over its uplink 1: fibre. The clock stands still.
class ConnectionMoverTest : public testing::Test {
 protected:
  ConnectionMoverTest() {
    for (const auto& one : {page_, query_, opening_, of_this_host_, came_in_, elsewhere_, foreign_}) {
      connections_.add(one);
    }
    connections_.on_remove = [this] { steps_.emplace_back("remove"); };
    sockets_.on_destroy = [this] { steps_.emplace_back("destroy"); };
    sockets_.open = {of_this_host_.original};
  }

  static EvictionOrder order(EvictionScope scope, EvictionCause cause = EvictionCause::down) {
    return {"fibre", 1, Family::v4, scope, cause, false};
  }
  void carry_out(const EvictionOrder& order) {
    mover_.carry_out(order, around_);
    scheduler_.settle();
  }
  bool is_there(const Connection& one) const {
    const auto& entries = connections_.entries();
    return std::any_of(entries.begin(), entries.end(),
                       [&](const Connection& each) { return each.original == one.original; });
  }
  /// The result of the last order, or what is wrong.
  std::string last() const {
    if (results_.empty()) return "none";
    return results_.back() ? to_string(*results_.back()) : results_.back().error().message;
  }

  Connection page_ = translated(tcp("10.0.0.7:4000", "203.0.113.9:443", kFirst), "192.0.2.2");
  Connection query_ = translated(udp("10.0.0.7:4000", "203.0.113.9:53", kFirst | 0xff), "192.0.2.2");
  Connection opening_ = [] {
    auto out = translated(tcp("10.0.0.8:4000", "203.0.113.9:443", kFirst), "192.0.2.2");
    out.tcp_state = TcpState::syn_sent;
    return out;
  }();
  Connection of_this_host_ = tcp("192.0.2.2:5000", "203.0.113.9:443", kFirst);
  Connection came_in_ = tcp("203.0.113.9:6000", "192.0.2.2:22", kFirst);
  Connection elsewhere_ = translated(tcp("10.0.0.7:7000", "203.0.113.9:443", kSecond), "198.51.100.2");
  Connection foreign_ = tcp("10.0.0.7:8000", "10.20.0.1:443", 0x00ff0000);

  fakes::FakeScheduler scheduler_;
  fakes::FakeConnections connections_;
  fakes::FakeSockets sockets_;
  fakes::FakeClients clients_;
  fakes::FakeLog log_;
  std::vector<std::string> steps_;
  std::vector<ConnectionTuple> reset_;
  Result<void> reset_result_;
  std::vector<Result<MovedFlows>> results_;
  std::vector<EvictionOrder> done_;
  std::shared_ptr<ConnectionMover::Surroundings> around_ = std::make_shared<ConnectionMover::Surroundings>(
      ConnectionMover::Surroundings{kMask, fakes::gateway_inside(), {}});
  ConnectionMover mover_{{scheduler_, connections_, sockets_, clients_, log_},
                         [this](std::span<const ConnectionTuple> tuples) {
                           steps_.emplace_back("reset");
                           reset_.insert(reset_.end(), tuples.begin(), tuples.end());
                           return reset_result_;
                         },
                         [this](const EvictionOrder& order, const Result<MovedFlows>& moved) {
                           done_.push_back(order);
                           results_.push_back(moved);
                         }};
};

TEST_F(ConnectionMoverTest, UdpAloneNeedsNobodyToBeTold) {
  const auto udp_order = order(EvictionScope::udp, EvictionCause::suspect);
  carry_out(udp_order);
  EXPECT_FALSE(is_there(query_));
  EXPECT_EQ(connections_.entries().size(), 6U);
  EXPECT_THAT(steps_, ElementsAre("remove"));
  EXPECT_THAT(clients_.told, IsEmpty());
  EXPECT_THAT(done_, ElementsAre(udp_order));
  EXPECT_EQ(last(), "0 TCP, 1 UDP and 0 other flows");
  EXPECT_EQ(
      log_.count("moved 0 TCP, 1 UDP and 0 other flows off fibre (IPv4), it is suspect", LogLevel::info), 1U);
}

TEST_F(ConnectionMoverTest, AllButWhatCameInAndWhatIsElsewhere) {
  carry_out(order(EvictionScope::all));
  for (const auto& gone : {page_, query_, opening_, of_this_host_}) EXPECT_FALSE(is_there(gone));
  for (const auto& stays : {came_in_, elsewhere_, foreign_}) EXPECT_TRUE(is_there(stays));
  EXPECT_EQ(last(), "2 TCP (1 of this host), 1 UDP and 1 other flows");
}

TEST_F(ConnectionMoverTest, BothEndsAreToldInTheRightOrder) {
  clients_.told.clear();
  connections_.on_remove = [this] {
    steps_.emplace_back("remove");
    EXPECT_THAT(clients_.told, IsEmpty());
  };
  carry_out(order(EvictionScope::all));
  EXPECT_THAT(steps_, ElementsAre("reset", "remove", "destroy"));
  EXPECT_THAT(reset_, ElementsAre(page_.original));
  EXPECT_THAT(clients_.told, ElementsAre(page_.original));
  EXPECT_THAT(sockets_.open, IsEmpty());
}

/// A socket of a tied user cannot open elsewhere: its program has to learn of it. And where the uplink works, it stays.
TEST_F(ConnectionMoverTest, WhatIsTiedToTheUplinkIsTakenFromADeadOneAlone) {
  constexpr std::uint32_t kParent = 901, kOther = 1000;
  auto opening = of_this_host_;
  opening.original.source_port = 5001;
  opening.tcp_state = TcpState::syn_sent;
  auto of_another = opening;
  of_another.original.source_port = 5002;
  around_->tied_users = {{kParent, kParent + 15}};
  const auto begin = [&] {
    for (const auto& each : {of_this_host_, opening, of_another}) {
      if (!is_there(each)) connections_.add(each);
    }
    sockets_.open = {of_this_host_.original};
    sockets_.users = {{of_this_host_.original, kParent}};
    sockets_.opening = {{opening.original, kParent}, {of_another.original, kOther}};
  };
  begin();
  carry_out(order(EvictionScope::all, EvictionCause::failback));
  EXPECT_THAT(sockets_.open, ElementsAre(of_this_host_.original));
  EXPECT_EQ(sockets_.opening.size(), 2U);
  begin();
  carry_out(order(EvictionScope::udp_and_opening, EvictionCause::suspect));
  EXPECT_THAT(sockets_.opening, ElementsAre(Pair(of_another.original, kOther)));
  EXPECT_THAT(sockets_.open, ElementsAre(of_this_host_.original));
  begin();
  carry_out(order(EvictionScope::all, EvictionCause::down));
  EXPECT_THAT(sockets_.opening, ElementsAre(Pair(of_another.original, kOther)));
  EXPECT_THAT(sockets_.open, IsEmpty());
}

TEST_F(ConnectionMoverTest, AnOrderThatFindsNothingIsNoLine) {
  carry_out(order(EvictionScope::all));
  log_.lines.clear();
  carry_out(order(EvictionScope::all));
  EXPECT_EQ(log_.count("", LogLevel::info), 0U);
  EXPECT_EQ(log_.count("moved 0 TCP"), 1U);
  EXPECT_EQ(done_.size(), 2U);
}

TEST_F(ConnectionMoverTest, OrdersAreCarriedOutOneAfterAnother) {
  const auto first = order(EvictionScope::udp);
  auto second = order(EvictionScope::all);
  second.index = 2;
  second.uplink = "lte";
  mover_.carry_out(first, around_);
  mover_.carry_out(second, around_);
  EXPECT_THAT(done_, IsEmpty());  // not inside of the call
  scheduler_.settle();
  EXPECT_THAT(done_, ElementsAre(first, second));
  EXPECT_FALSE(is_there(elsewhere_));
  EXPECT_TRUE(is_there(page_));
}

TEST_F(ConnectionMoverTest, ManyAreMovedInSlicesBetweenWhichOthersGetTheirTurn) {
  for (std::uint16_t port = 1; port <= 3 * ConnectionMover::kSlice; ++port) {
    auto one = udp("10.0.0.9:1", "203.0.113.9:53", kFirst);
    one.original.source_port = one.reply.destination_port = port;
    connections_.add(one);
  }
  std::size_t slices = 0;
  connections_.on_remove = [&] {
    ++slices;
    scheduler_.post([this] { steps_.emplace_back("others"); });
  };
  carry_out(order(EvictionScope::udp));
  EXPECT_EQ(slices, 4U);
  EXPECT_EQ(std::count(steps_.begin(), steps_.end(), "others"), 4);
  EXPECT_EQ(last(), "0 TCP, 6001 UDP and 0 other flows");
}

TEST_F(ConnectionMoverTest, AFailureToReadIsLoggedOnceAndReported) {
  connections_.fail(EPERM);
  for (int i = 0; i < 100; ++i) carry_out(order(EvictionScope::all));
  EXPECT_EQ(log_.count("moving flows: connections: told to fail", LogLevel::warning), 1U);
  EXPECT_EQ(done_.size(), 100U);
  EXPECT_EQ(last(), "told to fail");
  connections_.mend();
  carry_out(order(EvictionScope::all));
  EXPECT_EQ(last(), "2 TCP (1 of this host), 1 UDP and 1 other flows");
}

TEST_F(ConnectionMoverTest, AFailureToRemoveIsReported) {
  connections_.removal_error = EPERM;
  carry_out(order(EvictionScope::all));
  EXPECT_EQ(last(), "told to fail");
  EXPECT_THAT(clients_.told, IsEmpty());  // nothing of theirs has happened
  EXPECT_EQ(sockets_.open.size(), 1U);
}

TEST_F(ConnectionMoverTest, WhoCannotBeToldIsMovedAllTheSame) {
  reset_result_ = fail("no table");
  sockets_.fail(EOPNOTSUPP);
  clients_.fail(EPERM);
  carry_out(order(EvictionScope::all));
  carry_out(order(EvictionScope::all));
  EXPECT_FALSE(is_there(page_));
  EXPECT_FALSE(is_there(of_this_host_));
  ASSERT_FALSE(results_.empty());
  EXPECT_TRUE(results_.front());
  EXPECT_EQ(log_.count("moving flows: resets: no table", LogLevel::warning), 1U);
  EXPECT_EQ(log_.count("moving flows: this host's sockets: told to fail", LogLevel::warning), 1U);
  EXPECT_EQ(log_.count("moving flows: clients: told to fail", LogLevel::warning), 1U);
}

TEST_F(ConnectionMoverTest, AnIndexThatTheMaskHasNoRoomForHasNoConnections) {
  auto removed = order(EvictionScope::all, EvictionCause::removed);
  for (const unsigned index : {0U, 63U, 1000U}) {
    removed.index = index;
    carry_out(removed);
  }
  EXPECT_EQ(done_.size(), 3U);
  EXPECT_EQ(last(), "0 TCP, 0 UDP and 0 other flows");
  EXPECT_TRUE(is_there(page_));
}

TEST_F(ConnectionMoverTest, WhatTheKernelHasForgottenIsToldAllTheSameAndOnce) {
  const auto removed = order(EvictionScope::all, EvictionCause::removed);
  auto forgotten = page_;
  forgotten.original.source_port = 4999;
  mover_.carry_out(removed, around_, {page_, forgotten, came_in_});
  scheduler_.settle();
  EXPECT_THAT(clients_.told, UnorderedElementsAre(page_.original, forgotten.original));
  EXPECT_THAT(reset_, UnorderedElementsAre(page_.original, forgotten.original));
  EXPECT_TRUE(is_there(came_in_));
}

TEST_F(ConnectionMoverTest, WhatGoesOnElsewhereUnderItsOldTranslationIsRemovedAndWhatBeganAnewIsNot) {
  const auto removed = order(EvictionScope::all, EvictionCause::removed);
  auto moved = translated(udp("10.0.0.7:1", "203.0.113.9:53", kFirst), "192.0.2.2");
  auto anew = translated(udp("10.0.0.7:2", "203.0.113.9:53", kFirst), "192.0.2.2");
  const std::vector<Connection> parted{moved, anew};
  moved.mark = kSecond;
  anew = translated(udp("10.0.0.7:2", "203.0.113.9:53", kSecond), "198.51.100.2");
  for (const auto& one : {moved, anew}) connections_.add(one);
  mover_.carry_out(removed, around_, parted);
  scheduler_.settle();
  EXPECT_FALSE(is_there(moved));
  EXPECT_TRUE(is_there(anew));
}

TEST_F(ConnectionMoverTest, WhoIsDoneMayOrderAgain) {
  ConnectionMover* again = nullptr;
  int rounds = 0;
  ConnectionMover mover({scheduler_, connections_, sockets_, clients_, log_}, {},
                        [&](const EvictionOrder& order, const Result<MovedFlows>&) {
                          if (++rounds < 5) again->carry_out(order, around_);
                        });
  again = &mover;
  mover.carry_out(order(EvictionScope::all), around_);
  scheduler_.settle();
  EXPECT_EQ(rounds, 5);
}

TEST_F(ConnectionMoverTest, WhatIsPostedDoesNotOutliveTheMover) {
  {
    ConnectionMover mover({scheduler_, connections_, sockets_, clients_, log_}, {}, {});
    mover.carry_out(order(EvictionScope::all), around_);
  }
  scheduler_.settle();
  EXPECT_TRUE(is_there(page_));
}

}  // namespace connection_mover_test
}  // namespace multilink
