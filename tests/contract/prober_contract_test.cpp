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
namespace prober_contract_test {

constexpr std::uint16_t kFirstId = 1000;
constexpr std::array<std::uint16_t, 4> kForeignIds{kFirstId - 1, kFirstId + 2, 0, 0xffff};

struct ProberWorldKind {
  const char* name;
  std::unique_ptr<ProberWorld> (*make)();
  Family family;
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

  static bool is_v4() { return GetParam().family == Family::v4; }
  static IpAddress target() { return is_v4() ? ProberNetwork::kTarget : ProberNetwork::kTarget6; }
  static IpAddress nowhere() { return is_v4() ? ProberNetwork::kNowhere : ProberNetwork::kNowhere6; }

  void inject(unsigned number, const std::vector<std::uint8_t>& message) {
    world_->inject(number, GetParam().family, message);
  }

  /// What arrived, without the checksum that a kernel fills in for ICMPv6.
  std::vector<std::uint8_t> arrived(std::size_t number) const {
    auto message = arrivals_.at(number).message;
    if (!is_v4()) message[2] = message[3] = 0;
    return message;
  }

  static EchoRequest request(std::uint64_t sequence, std::uint16_t identifier = kFirstId) {
    return {identifier, sequence, 0x1122334455667788};
  }

  OutgoingProbe probe(unsigned link, const IpAddress& target, const EchoRequest& echo) {
    return {link, target, build_echo_request(GetParam().family, echo)};
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
      const auto message = parse_icmp(GetParam().family, arrival.message);
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
  const MonoTime sent = send(probe(world_->link(0), target(), request(1)));
  await(1);
  EXPECT_GE(sent, before);
  EXPECT_GE(arrivals_[0].at, sent);
  EXPECT_LE(arrivals_[0].at, world_->scheduler().now().mono);
  EXPECT_EQ(arrivals_[0].source, target());
  EXPECT_EQ(answered_sequences(), Sequences{1});
}

TEST_P(ProberContract, AnUnreachableComesWithTheQuote) {
  send(probe(world_->link(1), nowhere(), request(5)));
  await(1);
  const auto message = parse_icmp(GetParam().family, arrivals_[0].message);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE(std::get<Unreachable>(*message).quotes(request(5), nowhere()));
}

TEST_P(ProberContract, AProbeLeavesByItsLinkThoughAnotherLeadsThereToo) {
  world_->silence(0);
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    send(probe(world_->link(sequence % 2 == 0 ? 0 : 1), target(), request(sequence)));
  }
  await(3);
  send(probe(world_->link(1), target(), request(7)));
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
    batch.push_back(probe(link, target(), request(sequence)));
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
  const auto lost = probe(0, target(), request(1));
  const auto results = world_->prober().send({&lost, 1});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, ENODEV);
  send(probe(world_->link(0), target(), request(2)));
  await(1);
  EXPECT_EQ(answered_sequences(), Sequences{2});
}

TEST_P(ProberContract, OtherProgramsAnswersAreKeptOut) {
  const auto reply = [](std::uint16_t id) {
    return fakes::echo_reply_to(build_echo_request(GetParam().family, request(1, id)));
  };
  for (const auto id : kForeignIds) inject(0, reply(id));
  inject(0, build_echo_request(GetParam().family, request(1)));  // asked by others
  auto exceeded = fakes::unreachable_for(target(), build_echo_request(GetParam().family, request(1)));
  exceeded[0] = is_v4() ? 11 : 3;
  if (is_v4()) fakes::fill_icmp_checksum(exceeded);
  inject(0, exceeded);
  inject(0, reply(kFirstId));
  inject(0, reply(kFirstId + 1));
  await(2);
  EXPECT_EQ(arrivals_.size(), 2U);
  EXPECT_EQ(arrived(0), reply(kFirstId));
  EXPECT_EQ(arrived(1), reply(kFirstId + 1));
}

TEST_P(ProberContract, OtherProgramsUnreachablesAreKeptOut) {
  const auto unreachable = [](std::uint16_t id) {
    return fakes::unreachable_for(target(), build_echo_request(GetParam().family, request(1, id)));
  };
  for (const auto id : kForeignIds) inject(0, unreachable(id));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    auto message = unreachable(kFirstId);
    message[at] = value;
    if (is_v4()) fakes::fill_icmp_checksum(message);
    return message;
  };
  const std::size_t header = is_v4() ? 20 : 40;
  inject(0, changed(8 + (is_v4() ? 9 : 6), 17));      // quotes UDP
  inject(0, changed(8 + header, is_v4() ? 0 : 129));  // quotes an echo reply
  auto truncated = unreachable(kFirstId);
  truncated.resize(8 + header + 5);
  if (is_v4()) fakes::fill_icmp_checksum(truncated);
  inject(0, truncated);
  inject(0, unreachable(kFirstId + 1));
  await(1);
  EXPECT_EQ(arrivals_.size(), 1U);
  EXPECT_EQ(arrived(0), unreachable(kFirstId + 1));
}

TEST_P(ProberContract, QuotesWithIpOptionsAreFound) {
  if (!is_v4()) return;  // an IPv6 quote with extension headers is of no probe
  for (const std::size_t options : {4U, 40U}) {
    auto message = fakes::unreachable_for(target(), build_echo_request(GetParam().family, request(1)));
    message[8] = static_cast<std::uint8_t>(0x45 + options / 4);
    message.insert(message.begin() + 28, options, 1);  // no-operation options
    fakes::fill_icmp_checksum(message);
    inject(1, message);
    arrivals_.clear();
    await(1);
    EXPECT_EQ(arrivals_.at(0).message, message);
  }
}

TEST_P(ProberContract, ListeningAgainMovesTheRange) {
  const auto reply = [](std::uint16_t id) {
    return fakes::echo_reply_to(build_echo_request(GetParam().family, request(1, id)));
  };
  inject(0, reply(kFirstId));
  await(1);
  listen(0xfff0, 16);
  inject(0, reply(kFirstId));
  inject(0, reply(0xffff));
  await(2);
  EXPECT_EQ(arrivals_.size(), 2U);
  EXPECT_EQ(arrived(1), reply(0xffff));
}

TEST_P(ProberContract, BothFamiliesGoInOneBatch) {
  const std::vector batch{
      OutgoingProbe{world_->link(0), ProberNetwork::kTarget6, build_echo_request(Family::v6, request(1))},
      OutgoingProbe{world_->absent_link(), ProberNetwork::kTarget,
                    build_echo_request(Family::v4, request(2))},
      OutgoingProbe{world_->link(1), ProberNetwork::kTarget, build_echo_request(Family::v4, request(3))},
      OutgoingProbe{world_->absent_link(), ProberNetwork::kTarget6,
                    build_echo_request(Family::v6, request(4))},
      OutgoingProbe{world_->link(1), ProberNetwork::kTarget6, build_echo_request(Family::v6, request(5))}};
  const auto results = world_->prober().send(batch);
  ASSERT_EQ(results.size(), batch.size());
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].has_value(), i % 2 == 0) << i;
  await(3);
  std::vector<IpAddress> sources;
  for (const auto& arrival : arrivals_) sources.push_back(arrival.source);
  std::sort(sources.begin(), sources.end());
  EXPECT_EQ(sources, (std::vector{ProberNetwork::kTarget, ProberNetwork::kTarget6, ProberNetwork::kTarget6}));
}

INSTANTIATE_TEST_SUITE_P(Prober, ProberContract,
                         testing::Values(ProberWorldKind{"Fake", make_fake_prober_world, Family::v4},
                                         ProberWorldKind{"Real", make_real_prober_world, Family::v4},
                                         ProberWorldKind{"FakeIpv6", make_fake_prober_world, Family::v6},
                                         ProberWorldKind{"RealIpv6", make_real_prober_world, Family::v6}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace prober_contract_test
}  // namespace multilink
