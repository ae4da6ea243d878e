// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// A minute or an hour of an uplink and family, as the history keeps it. All zero: nobody watched.
///
/// The time in each state is kept in quarters of a second, so that the failover of a moment is seen; what is missing to
/// the whole length is unknown. The round-trip times are those of the answers, in whole microseconds.
struct HistoryRecord {
  Duration up{};
  Duration suspect{};
  Duration down{};
  std::uint32_t probes = 0;  ///< regular ones that were sent in this time and have settled
  std::uint32_t lost = 0;    ///< of these
  Duration rtt{};            ///< mean; 0: none
  Duration rtt_most{};       ///< the greatest
  Duration jitter{};         ///< mean difference of successive answers of one target; 0: none

  Duration out() const { return suspect + down; }           ///< traffic may not use it
  Duration watched() const { return up + suspect + down; }  ///< the rest is unknown
  std::uint32_t answers() const { return probes - lost; }
  double loss() const;  ///< [0,1]; 0 of no probes
  bool is_empty() const { return *this == HistoryRecord{}; }

  bool operator==(const HistoryRecord&) const = default;
};

/// The two lengths of records, and their packed forms: big-endian, without a gap. Each record has its place in the string
/// of its day, or month, so that it needs no name.
///   minute, 16 bytes: up, suspect, down (1 byte each), probes, lost (2 each), rtt, rtt_most, jitter (3 each)
///   hour,   21 bytes: up, suspect, down (2 bytes each), probes, lost, rtt, rtt_most, jitter (3 each)
enum class HistoryStep : std::uint8_t { minute, hour };

std::chrono::minutes length_of(HistoryStep step);
std::size_t bytes_of(HistoryStep step);

inline constexpr Duration kHistoryTick = std::chrono::milliseconds(250);

/// What does not fit its field (probes of a minute beyond 65535, a round trip beyond 16.7 s) is written as the most that
/// does; lengths of time are rounded to the nearest tick, those of one record to no more than its length in all.
std::string encode_history(HistoryStep step, const HistoryRecord& record);
/// Refuses other lengths than bytes_of(step), more time than there is, more losses than probes, and round-trip times
/// that contradict each other or the number of answers.
Result<HistoryRecord> decode_history(HistoryStep step, std::string_view bytes);

/// Several pieces of one time, or of successive ones, as one: sums, means weighted by the answers. The caller sees to it
/// that the time in all is not longer than what is wanted.
HistoryRecord merge_history(std::span<const HistoryRecord> pieces);

}  // namespace multilink
