// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <random>

#include "multilink/core/history_series.hpp"

namespace multilink::fakes {

/// A history as real ones are: round trips with a tail, some loss, now and then an outage. Not two records alike.
inline HistorySeries history_sample(HistoryStep step, HistoryTime end, std::size_t records,
                                    unsigned seed = 1) {
  using namespace std::chrono;
  std::mt19937 random(seed);
  HistorySeries out{step, end - length_of(step) * static_cast<int>(records), {}};
  for (std::size_t i = 0; i < records; ++i) {
    HistoryRecord record;
    const auto length = length_of(step);
    const bool is_out = random() % 150 == 0;
    record.down = is_out ? duration_cast<Duration>(length) / 4 : Duration{};
    record.suspect = random() % 60 == 0 ? milliseconds(750) : milliseconds(0);
    record.up = length - record.out();
    record.probes = static_cast<std::uint32_t>(duration_cast<seconds>(length).count());
    record.lost = is_out ? record.probes / 4 : static_cast<std::uint32_t>(random() % 3);
    record.rtt = microseconds(18'000 + random() % 9'000);
    record.rtt_most = record.rtt + microseconds(random() % 60'000);
    record.jitter = microseconds(500 + random() % 4'000);
    out.records.push_back(record);
  }
  return out;
}

}  // namespace multilink::fakes
