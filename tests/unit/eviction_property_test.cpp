// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <random>

#include "fakes/connection_samples.hpp"
#include "multilink/core/connection_selection.hpp"
#include "multilink/core/eviction.hpp"
#include "seeded.hpp"
#include "unit/eviction_fixture.hpp"

namespace multilink {
namespace eviction_property_test {

using namespace std::chrono_literals;

template <class Value, std::size_t kSize>
Value any_of(const std::array<Value, kSize>& values, std::mt19937_64& random) {
  return values.at(random() % kSize);
}

/// Four uplinks to which anything happens.
class EvictionProperties : public EvictionTest {
 protected:
  EvictionProperties() {
    add("cable", 3, 2);
    add("satellite", 4, 3);
  }

  void shake(std::mt19937_64& random) {
    constexpr std::array kFacts{LinkFact::ok, LinkFact::ok, LinkFact::ok, LinkFact::no_carrier,
                                LinkFact::no_address};
    constexpr std::array kStates{HealthState::up, HealthState::up, HealthState::unknown, HealthState::suspect,
                                 HealthState::down};
    constexpr std::array kWays{Failback::graceful, Failback::flush, Failback::manual};
    constexpr std::array<Duration, 4> kTimes{0s, 500ms, 3s, 1min};
    for (auto& subject : subjects_) {
      if (random() % 4 != 0) continue;
      subject.fact = any_of(kFacts, random);
      subject.health = any_of(kStates, random);
      subject.answers = random() % 2 == 0;
      subject.carries = random() % 2 == 0;
      auto& own = config(subject);
      own.enabled = random() % 8 != 0;
      own.suspect_moves = random() % 4 == 0 ? SuspectMoves::none : SuspectMoves::udp;
      own.failback = any_of(kWays, random);
      own.failback_udp_after = any_of(kTimes, random);
      own.evict_after = any_of(kTimes, random);
      own.metered.reset();
      if (random() % 2 == 0) own.metered = any_of(kTimes, random);
    }
    pass(any_of(std::array<Duration, 5>{0s, 1ms, 300ms, 5s, 2min}, random));
  }

  const EvictionSubject& subject_of(const EvictionOrder& order) const {
    return *std::find_if(subjects_.begin(), subjects_.end(),
                         [&](const EvictionSubject& subject) { return subject.index == order.index; });
  }
  static bool can_carry(const EvictionSubject& subject) {
    return subject.config.enabled && subject.fact == LinkFact::ok;
  }
  static bool is_usable(const EvictionSubject& subject) {
    return can_carry(subject) &&
           (subject.health == HealthState::up || subject.health == HealthState::unknown);
  }
};

TEST_F(EvictionProperties, Hold) {
  auto random = seeded_random();
  std::size_t seen = 0;
  for (int i = 0; i < 200'000; ++i) {
    shake(random);
    const auto orders = step();
    ASSERT_TRUE(!next_ || *next_ > now_);
    for (const auto& order : orders) {
      ++seen;
      const auto& left = subject_of(order);
      ASSERT_FALSE(left.carries);
      ASSERT_TRUE(std::any_of(subjects_.begin(), subjects_.end(), [&](const EvictionSubject& other) {
        const bool answers_where_this_does_not =
            can_carry(other) && other.answers && !(can_carry(left) && left.answers);
        return other.carries && other.index != left.index &&
               (is_usable(other) || answers_where_this_does_not);
      })) << "no other is usable";
      if (!can_carry(left)) continue;
      ASSERT_NE(left.health, HealthState::unknown);
      ASSERT_TRUE(left.health != HealthState::suspect || order.scope == EvictionScope::udp_and_opening);
      if (left.health == HealthState::up) {
        ASSERT_TRUE(std::any_of(subjects_.begin(), subjects_.end(), [&](const EvictionSubject& other) {
          return other.carries && is_usable(other) && other.config.precedence < left.config.precedence;
        })) << "it is well, and no better one carries";
      }
    }
  }
  EXPECT_GT(seen, 1000U);
}

/// Whatever connections there are between whatever ends: what began outside moves never, unless its source was
/// translated on the way to the outside.
TEST(ConnectionsToMoveProperties, InboundNever) {
  auto random = seeded_random();
  const auto inside = fakes::gateway_inside();
  constexpr std::array kEnds{"192.0.2.2:9",  "198.51.100.2:9", "10.0.0.1:9",     "10.0.0.7:9", "10.20.0.1:9",
                             "192.0.2.77:9", "203.0.113.9:9",  "203.0.113.70:9", "8.8.8.8:9"};
  const auto end = [&] { return any_of(kEnds, random); };
  std::size_t moved = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto one = fakes::connection(random() % 2 == 0 ? ip_protocol::kTcp : ip_protocol::kUdp,
                                       fakes::tuple(end(), end()), fakes::tuple(end(), end()));
    if (connections_to_move({{one}}, EvictionScope::all, inside).empty()) continue;
    ++moved;
    ASSERT_FALSE(inside.contains(one.reply.source));
    ASSERT_TRUE(inside.contains(one.original.source) || one.reply.destination != one.original.source);
  }
  EXPECT_GT(moved, 1000U);
}

}  // namespace eviction_property_test
}  // namespace multilink
