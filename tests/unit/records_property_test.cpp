// SPDX-License-Identifier: GPL-2.0-or-later
// Over random records: what was written is what is read; over random bytes: refused, or a record that
// can be written and read again.
#include <gtest/gtest.h>

#include <iostream>
#include <iterator>
#include <random>

#include "multilink/core/records.hpp"
#include "unit/record_samples.hpp"

namespace multilink {
namespace records_property_test {

unsigned seed_of_this_run() {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  return seed;
}

template <class Record, class Make>
void survives_the_wire(Make make) {
  const unsigned seed = seed_of_this_run();
  RecordSamples samples(seed);
  for (int i = 0; i < 500; ++i) {
    const Record record = (samples.*make)();
    const auto read = Record::decode(record.encode());
    ASSERT_TRUE(read) << "seed " << seed << ": " << read.error().message;
    ASSERT_EQ(*read, record) << "seed " << seed;
  }
}

TEST(RecordsProperty, WhatIsWrittenIsRead) {
  survives_the_wire<LinkRecord>(&RecordSamples::link);
  survives_the_wire<HealthRecord>(&RecordSamples::health);
  survives_the_wire<RoutingRecord>(&RecordSamples::routing);
  survives_the_wire<EventRecord>(&RecordSamples::event);
  survives_the_wire<DaemonRecord>(&RecordSamples::daemon);
}

TEST(RecordsProperty, AProbeThatIsWrittenIsRead) {
  const unsigned seed = seed_of_this_run();
  RecordSamples samples(seed);
  for (int i = 0; i < 5000; ++i) {
    const auto probe = samples.probe();
    const auto score = static_cast<double>(probe.sent_wall.time_since_epoch().count());
    ASSERT_EQ(ProbeRecord::decode(probe.encode(), score), probe) << "seed " << seed << ": " << probe.encode();
  }
}

/// Text with some bytes changed, removed or put in.
std::string spoil(std::string text, RecordSamples& samples) {
  if (samples.coin()) return samples.bytes(40);
  const auto at = [&] {
    return static_cast<std::size_t>(samples.between(0, static_cast<std::int64_t>(text.size())));
  };
  const auto changes = samples.between(1, 3);
  for (std::int64_t i = 0; i < changes; ++i) {
    if (samples.coin() && !text.empty()) {
      text.erase(at() % text.size(), 1);
    } else {
      text.insert(at(), 1, static_cast<char>(samples.between(0, 255)));
    }
  }
  return text;
}

template <class Record, class Make>
void is_never_fooled(Make make) {
  const unsigned seed = seed_of_this_run();
  RecordSamples samples(seed);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    auto fields = (samples.*make)().encode();
    const auto victim =
        std::next(fields.begin(), samples.between(0, static_cast<std::int64_t>(fields.size()) - 1));
    victim->second = spoil(victim->second, samples);
    const auto read = Record::decode(fields);
    if (!read) {
      ++refused;
      continue;
    }
    const auto again = Record::decode(read->encode());
    ASSERT_TRUE(again) << "seed " << seed << ": " << again.error().message;
    ASSERT_EQ(again->encode(), read->encode()) << "seed " << seed << ", field " << victim->first;
  }
  EXPECT_GT(refused, 100) << "seed " << seed;
}

TEST(RecordsProperty, SpoiltFieldsAreRefusedOrHarmless) {
  is_never_fooled<LinkRecord>(&RecordSamples::link);
  is_never_fooled<HealthRecord>(&RecordSamples::health);
  is_never_fooled<RoutingRecord>(&RecordSamples::routing);
  is_never_fooled<EventRecord>(&RecordSamples::event);
  is_never_fooled<DaemonRecord>(&RecordSamples::daemon);
}

TEST(RecordsProperty, SpoiltProbesAreRefusedOrHarmless) {
  const unsigned seed = seed_of_this_run();
  RecordSamples samples(seed);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto member = spoil(samples.probe().encode(), samples);
    const auto read = ProbeRecord::decode(member, 1000);
    if (!read) {
      ++refused;
      continue;
    }
    ASSERT_EQ(ProbeRecord::decode(read->encode(), 1000), read) << "seed " << seed << ": " << member;
  }
  EXPECT_GT(refused, 10'000) << "seed " << seed;
}

}  // namespace records_property_test
}  // namespace multilink
