// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/traffic_rhythm.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace multilink {
namespace traffic_rhythm_test {

using namespace std::chrono_literals;

/// An uplink read every 10 ms, with so many packets a second each way.
class Device {
 public:
  /// Gives the times at which the rhythm asked, relative to the beginning of this call.
  std::vector<Duration> run(TrafficRhythm& rhythm, Duration length, double received, double sent) {
    std::vector<Duration> asked;
    const MonoTime begin = now_;
    for (; now_ < begin + length; now_ += 10ms) {
      received_ += received / 100;
      sent_ += sent / 100;
      const TrafficCount count{static_cast<std::uint64_t>(received_), static_cast<std::uint64_t>(sent_)};
      if (rhythm.on_reading(count, now_)) asked.push_back(now_ - begin);
    }
    return asked;
  }
  MonoTime now() const { return now_; }

 private:
  MonoTime now_{std::chrono::hours(10)};
  double received_ = 0;
  double sent_ = 0;
};

TEST(TrafficRhythm, ADenseFlowThatFallsSilentIsAskedAboutWithin40Ms) {
  TrafficRhythm rhythm;
  Device device;
  EXPECT_TRUE(device.run(rhythm, 5s, 1000, 1000).empty());
  const auto asked = device.run(rhythm, 2s, 0, 1000);
  ASSERT_EQ(asked.size(), 1U) << "once a silence";
  EXPECT_LE(asked[0], 40ms);
}

TEST(TrafficRhythm, ASparseFlowIsGivenItsOwnGaps) {
  TrafficRhythm rhythm;
  Device device;
  EXPECT_TRUE(device.run(rhythm, 20s, 20, 20).empty());
  const auto asked = device.run(rhythm, 2s, 0, 20);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_GE(asked[0], 60ms);
  EXPECT_LE(asked[0], 200ms);
}

TEST(TrafficRhythm, ACallOf50PacketsASecondIsAskedAboutBeforeItsSixthPacketIsMissed) {
  TrafficRhythm rhythm;
  Device device;
  EXPECT_TRUE(device.run(rhythm, 60s, 50, 50).empty());
  const auto asked = device.run(rhythm, 2s, 0, 50);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_LE(asked[0], 80ms);
}

TEST(TrafficRhythm, ASilenceThatWasNoneIsUsualUntilItIsForgotten) {
  TrafficRhythm rhythm;
  Device device;
  const auto first_asked = [&] {
    const auto asked = device.run(rhythm, 500ms, 0, 1000);
    return asked.empty() ? Duration::max() : asked.front();
  };
  device.run(rhythm, 5s, 1000, 1000);
  const Duration first = first_asked();
  ASSERT_LE(first, 40ms);
  rhythm.on_false_trigger(device.now());
  device.run(rhythm, 5s, 1000, 1000);
  EXPECT_GE(first_asked(), first * 5 / 4) << "usual here";
  device.run(rhythm, 120s, 1000, 1000);
  EXPECT_LE(first_asked(), first + 10ms) << "forgotten";
}

TEST(TrafficRhythm, ATrickleIsLeftToTheRegularProbes) {
  TrafficRhythm rhythm;
  Device device;
  device.run(rhythm, 20s, 2, 2);
  EXPECT_TRUE(device.run(rhythm, 5s, 0, 2).empty());
}

TEST(TrafficRhythm, AFlowThatEndsIsNoSilence) {
  TrafficRhythm rhythm;
  Device device;
  device.run(rhythm, 5s, 1000, 1000);
  EXPECT_TRUE(device.run(rhythm, 5s, 0, 0).empty());
  EXPECT_FALSE(rhythm.next_reading(device.now()));
}

TEST(TrafficRhythm, AOneWayUploadIsNeverAskedAbout) {
  TrafficRhythm rhythm;
  Device device;
  EXPECT_TRUE(device.run(rhythm, 60s, 0, 5000).empty());
}

TEST(TrafficRhythm, FalseTriggersBackOff) {
  TrafficRhythm rhythm;
  Device device;
  int asked = 0;
  for (int i = 0; i < 600; ++i) {  // ten minutes of a flow that stutters each second
    device.run(rhythm, 900ms, 1000, 1000);
    for (std::size_t n = device.run(rhythm, 100ms, 0, 1000).size(); n > 0; --n) {
      ++asked;
      rhythm.on_false_trigger(device.now());
    }
  }
  EXPECT_GE(asked, 5);
  EXPECT_LE(asked, 80);
}

/// An uplink that is read when the rhythm asks for it. A packet comes every so many microseconds, and one goes each
/// millisecond.
class WatchedDevice {
 public:
  using Gap = std::function<Duration()>;

  /// Gives when it asked within this time, relative to the beginning of this call.
  std::vector<Duration> run(Duration length, const Gap& gap) {
    std::vector<Duration> asked;
    const MonoTime begin = now_;
    for (; now_ < begin + length; now_ += 500us) {
      if (gap && next_packet_ < now_ - 1s) next_packet_ = now_;
      for (; gap && next_packet_ <= now_; next_packet_ += gap()) ++count_.received;
      count_.sent = static_cast<std::uint64_t>(now_.time_since_epoch() / 1ms);
      if (now_ < rhythm_.next_reading(now_).value_or(last_look_ + 1s)) continue;
      if (rhythm_.on_reading(count_, now_)) asked.push_back(now_ - begin);
      last_look_ = now_;
      ++readings_;
    }
    return asked;
  }
  unsigned readings() const { return readings_; }

 private:
  TrafficRhythm rhythm_;
  TrafficCount count_;
  MonoTime now_{std::chrono::hours(10)};
  MonoTime next_packet_ = now_;
  MonoTime last_look_ = now_;
  unsigned readings_ = 0;
};

WatchedDevice::Gap steady(Duration gap) {
  return [gap] { return gap; };
}

/// As many independent users send: a Poisson process.
WatchedDevice::Gap random_gaps(Duration mean, std::uint64_t seed) {
  return [mean, random = std::mt19937_64(seed)]() mutable {
    return std::chrono::duration_cast<Duration>(mean * std::exponential_distribution<>(1)(random));
  };
}

TEST(TrafficRhythm, AnEvenFlowIsReadTwentyTimesASecondAndItsSilenceSeenIn45MsOnAverage) {
  Duration sum{};
  for (int phase = 0; phase < 50; ++phase) {
    WatchedDevice device;
    EXPECT_TRUE(device.run(6s + phase * 1ms, steady(1ms)).empty());
    EXPECT_LE(device.readings(), 6U * 22);
    const auto asked = device.run(1s, nullptr);
    ASSERT_EQ(asked.size(), 1U) << "phase " << phase;
    EXPECT_LE(asked[0], 61ms) << "phase " << phase;
    EXPECT_GE(asked[0], 30ms) << "phase " << phase;
    sum += asked[0];
  }
  EXPECT_LE(sum / 50, 47ms);
}

TEST(TrafficRhythm, TheTrafficOfManyUsersIsNeverTakenForSilentWhileItFlows) {
  for (const Duration gap : {Duration(500us), Duration(1ms), Duration(3ms)}) {
    WatchedDevice device;
    EXPECT_TRUE(device.run(100s, random_gaps(gap, 7)).empty()) << gap.count();
    EXPECT_LE(device.readings(), 100U * 25);
    EXPECT_EQ(device.run(2s, nullptr).size(), 1U) << gap.count();
  }
}

TEST(TrafficRhythm, AFlowThatSlowsDownIsNotSilent) {
  WatchedDevice device;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(device.run(3s, steady(1ms)).empty());
    EXPECT_TRUE(device.run(3s, steady(4ms)).empty());
  }
}

/// Downloads come in bursts, one a round trip: what is missing between two of them is no silence.
TEST(TrafficRhythm, BurstsAreNotTakenForAnEvenFlowWithGaps) {
  for (const Duration pause : {Duration(20ms), Duration(40ms)}) {
    WatchedDevice device;
    int in_burst = 0;
    const auto burst = [&]() -> Duration { return ++in_burst % 20 == 0 ? pause : 100us; };
    const auto asked = device.run(60s, burst);
    EXPECT_LE(asked.size(), 2U) << pause.count();
  }
}

TEST(TrafficRhythm, ADeviceThatComesAnewBeginsANewRhythm) {
  TrafficRhythm rhythm;
  const MonoTime now{std::chrono::hours(1)};
  EXPECT_FALSE(rhythm.on_reading({1000, 1000}, now));
  EXPECT_FALSE(rhythm.on_reading({0, 0}, now + 1s));
  EXPECT_FALSE(rhythm.on_reading({0, 5}, now + 2s));
}

}  // namespace traffic_rhythm_test
}  // namespace multilink
