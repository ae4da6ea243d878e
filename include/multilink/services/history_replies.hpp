// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multilink/core/history_place.hpp"
#include "multilink/core/history_record.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// The pure part of reading the history.

/// What is asked for: the records of [begin, end).
struct HistoryPiece {
  std::string uplink;
  Family family = Family::v4;
  HistoryStep step = HistoryStep::minute;
  HistoryTime begin;
  HistoryTime end;
};

/// Appends the commands that read it: one a string. Gives their number.
std::size_t append_history_reads(const RedisKeys& keys, const HistoryPiece& piece,
                                 std::vector<Store::Command>& commands);

struct HistoryRead {
  std::vector<HistoryRecord>
      records;  ///< one for each place in [begin, end); empty ones where nothing is stored
  std::optional<std::string> refused;  ///< why something was, if it was: it counts as not stored
};
/// The replies to append_history_reads().
HistoryRead take_history(const HistoryPiece& piece, std::span<const Reply> replies);

}  // namespace multilink
