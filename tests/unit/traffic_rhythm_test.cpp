// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/traffic_rhythm.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace {

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
  EXPECT_GE(asked[0], 300ms);
  EXPECT_LE(asked[0], 700ms);
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
  EXPECT_FALSE(rhythm.is_busy(device.now()));
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

TEST(TrafficRhythm, ADeviceThatComesAnewBeginsANewRhythm) {
  TrafficRhythm rhythm;
  const MonoTime now{std::chrono::hours(1)};
  EXPECT_FALSE(rhythm.on_reading({1000, 1000}, now));
  EXPECT_FALSE(rhythm.on_reading({0, 0}, now + 1s));
  EXPECT_FALSE(rhythm.on_reading({0, 5}, now + 2s));
}

}  // namespace
}  // namespace multilink
