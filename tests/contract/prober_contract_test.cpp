// SPDX-License-Identifier: GPL-2.0-or-later
// What every Prober promises, tried on the fake and on the adapter with a real kernel.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ostream>

#include "contract/prober_network.hpp"
#include "contract/prober_worlds.hpp"
#include "fakes/icmp_messages.hpp"
#include "multilink/core/echo_packet.hpp"

namespace multilink {
namespace {

constexpr std::uint16_t kFirstId = 1000;
constexpr std::array<std::uint16_t, 4> kForeignIds{kFirstId - 1, kFirstId + 2, 0, 0xffff};

struct ProberWorldKind {
  const char* name;
  std::unique_ptr<ProberWorld> (*make)();
};

std::ostream& operator<<(std::ostream& out, const ProberWorldKind& kind) {
  return out << kind.name;
}

class ProberContract : public testing::TestWithParam<ProberWorldKind> {
 protected:
  void SetUp() override { listen(kFirstId, 2); }

  void listen(std::uint16_t first_id, std::uint16_t ids) {
    const auto listening = world_->prober().listen({first_id, ids, 0x3f000000}, [this](auto arrivals) {
      for (const auto& arrival : arrivals) arrivals_.push_back(arrival);
    });
    ASSERT_TRUE(listening) << listening.error().message;
  }

  static EchoRequest request(std::uint64_t sequence, std::uint16_t identifier = kFirstId) {
    return {identifier, sequence, 0x1122334455667788};
  }

  OutgoingProbe probe(unsigned link, const IpAddress& target, const EchoRequest& echo) {
    return {link, target, build_echo_request(Family::v4, echo)};
  }

  MonoTime send(const OutgoingProbe& probe) {
    const auto results = world_->prober().send({&probe, 1});
    EXPECT_EQ(results.size(), 1U);
    EXPECT_TRUE(results.at(0)) << results.at(0).error().message;
    return results.at(0).value_or(MonoTime{});
  }

  void await(std::size_t count) {
    ASSERT_TRUE(world_->run_until([&] { return arrivals_.size() >= count; }))
        << "only " << arrivals_.size() << " of " << count;
  }

  std::vector<std::uint64_t> answered_sequences() const {
    std::vector<std::uint64_t> out;
    for (const auto& arrival : arrivals_) {
      const auto message = parse_icmp(Family::v4, arrival.message);
      if (message && std::holds_alternative<EchoReply>(*message)) {
        out.push_back(std::get<EchoReply>(*message).echoed.sequence);
      }
    }
    return out;
  }

  std::unique_ptr<ProberWorld> world_ = GetParam().make();
  std::vector<ArrivedMessage> arrivals_;
};

using Sequences = std::vector<std::uint64_t>;

TEST_P(ProberContract, AnAnswerComesWithItsSourceAndItsTime) {
  const MonoTime before = world_->scheduler().now().mono;
  const MonoTime sent = send(probe(world_->link(0), ProberNetwork::kTarget, request(1)));
  await(1);
  EXPECT_GE(sent, before);
  EXPECT_GE(arrivals_[0].at, sent);
  EXPECT_LE(arrivals_[0].at, world_->scheduler().now().mono);
  EXPECT_EQ(arrivals_[0].source, ProberNetwork::kTarget);
  EXPECT_EQ(answered_sequences(), Sequences{1});
}

TEST_P(ProberContract, AnUnreachableComesWithTheQuote) {
  send(probe(world_->link(1), ProberNetwork::kNowhere, request(5)));
  await(1);
  const auto message = parse_icmp(Family::v4, arrivals_[0].message);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE(std::get<Unreachable>(*message).quotes(request(5), ProberNetwork::kNowhere));
}

TEST_P(ProberContract, AProbeLeavesByItsLinkThoughAnotherLeadsThereToo) {
  world_->silence(0);
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    send(probe(world_->link(sequence % 2 == 0 ? 0 : 1), ProberNetwork::kTarget, request(sequence)));
  }
  await(3);
  send(probe(world_->link(1), ProberNetwork::kTarget, request(7)));
  await(4);
  EXPECT_EQ(answered_sequences(), (Sequences{1, 3, 5, 7}));
}

TEST_P(ProberContract, OfABatchEachIsSentOrRefusedByItself) {
  std::vector<OutgoingProbe> batch;
  Sequences expected;
  for (std::uint64_t sequence = 0; sequence < 100; ++sequence) {
    const bool absent = sequence % 7 == 3;
    const unsigned link = absent ? world_->absent_link() : world_->link(sequence % 2 == 0 ? 0 : 1);
    if (!absent) expected.push_back(sequence);
    batch.push_back(probe(link, ProberNetwork::kTarget, request(sequence)));
  }
  const auto results = world_->prober().send(batch);
  ASSERT_EQ(results.size(), batch.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].has_value(), i % 7 != 3) << i;
    EXPECT_TRUE(results[i] || results[i].error().code != 0) << i;
  }
  await(expected.size());
  auto answered = answered_sequences();
  std::sort(answered.begin(), answered.end());
  EXPECT_EQ(answered, expected);
}

TEST_P(ProberContract, WithoutADeviceNothingLeaves) {
  const auto lost = probe(0, ProberNetwork::kTarget, request(1));
  const auto results = world_->prober().send({&lost, 1});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, ENODEV);
  send(probe(world_->link(0), ProberNetwork::kTarget, request(2)));
  await(1);
  EXPECT_EQ(answered_sequences(), Sequences{2});
}

TEST_P(ProberContract, OtherProgramsAnswersAreKeptOut) {
  const auto reply = [](std::uint16_t id) {
    return fakes::echo_reply_to(build_echo_request(Family::v4, request(1, id)));
  };
  for (const auto id : kForeignIds) world_->inject(0, reply(id));
  world_->inject(0, build_echo_request(Family::v4, request(1)));  // asked by others
  auto exceeded = fakes::unreachable_for(ProberNetwork::kTarget, build_echo_request(Family::v4, request(1)));
  exceeded[0] = 11;
  fakes::fill_icmp_checksum(exceeded);
  world_->inject(0, exceeded);
  world_->inject(0, reply(kFirstId));
  world_->inject(0, reply(kFirstId + 1));
  await(2);
  EXPECT_EQ(arrivals_.size(), 2U);
  EXPECT_EQ(arrivals_[0].message, reply(kFirstId));
  EXPECT_EQ(arrivals_[1].message, reply(kFirstId + 1));
}

TEST_P(ProberContract, OtherProgramsUnreachablesAreKeptOut) {
  const auto unreachable = [](std::uint16_t id) {
    return fakes::unreachable_for(ProberNetwork::kTarget, build_echo_request(Family::v4, request(1, id)));
  };
  for (const auto id : kForeignIds) world_->inject(0, unreachable(id));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    auto message = unreachable(kFirstId);
    message[at] = value;
    fakes::fill_icmp_checksum(message);
    return message;
  };
  world_->inject(0, changed(8 + 9, 17));  // quotes UDP
  world_->inject(0, changed(8 + 20, 0));  // quotes an echo reply
  auto truncated = unreachable(kFirstId);
  truncated.resize(8 + 20 + 5);
  fakes::fill_icmp_checksum(truncated);
  world_->inject(0, truncated);
  world_->inject(0, unreachable(kFirstId + 1));
  await(1);
  EXPECT_EQ(arrivals_.size(), 1U);
  EXPECT_EQ(arrivals_[0].message, unreachable(kFirstId + 1));
}

TEST_P(ProberContract, QuotesWithIpOptionsAreFound) {
  for (const std::size_t options : {4U, 40U}) {
    auto message = fakes::unreachable_for(ProberNetwork::kTarget, build_echo_request(Family::v4, request(1)));
    message[8] = static_cast<std::uint8_t>(0x45 + options / 4);
    message.insert(message.begin() + 28, options, 1);  // no-operation options
    fakes::fill_icmp_checksum(message);
    world_->inject(1, message);
    arrivals_.clear();
    await(1);
    EXPECT_EQ(arrivals_.at(0).message, message);
  }
}

TEST_P(ProberContract, ListeningAgainMovesTheRange) {
  const auto reply = [](std::uint16_t id) {
    return fakes::echo_reply_to(build_echo_request(Family::v4, request(1, id)));
  };
  world_->inject(0, reply(kFirstId));
  await(1);
  listen(0xfff0, 16);
  world_->inject(0, reply(kFirstId));
  world_->inject(0, reply(0xffff));
  await(2);
  EXPECT_EQ(arrivals_.size(), 2U);
  EXPECT_EQ(arrivals_[1].message, reply(0xffff));
}

INSTANTIATE_TEST_SUITE_P(Prober, ProberContract,
                         testing::Values(ProberWorldKind{"Fake", make_fake_prober_world},
                                         ProberWorldKind{"Real", make_real_prober_world}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace multilink
