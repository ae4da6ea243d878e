// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/history_replies.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::size_t records_in(const HistoryRange& range) {
  return static_cast<std::size_t>((range.end - range.begin) / length_of(range.string.step));
}

/// The records that are in `bytes`, which may end early.
void append_records(HistoryStep step, std::string_view bytes, std::size_t count, HistoryRead& out) {
  const auto size = bytes_of(step);
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = bytes.substr(std::min(i * size, bytes.size()), size);
    // What was never written is zero, or not there.
    const bool is_empty = one.size() < size || one.find_first_not_of('\0') == std::string_view::npos;
    auto record = is_empty ? HistoryRecord{} : decode_history(step, one);
    if (!record) out.refused = record.error().message;
    out.records.push_back(record.value_or(HistoryRecord{}));
  }
}

}  // namespace

std::size_t append_history_reads(const RedisKeys& keys, const HistoryPiece& piece,
                                 std::vector<Store::Command>& commands) {
  const auto ranges = history_ranges(piece.step, piece.begin, piece.end);
  for (const auto& range : ranges) {
    commands.push_back({"GETRANGE", range.string.key(keys, piece.uplink, piece.family),
                        cat(range.string.offset(range.begin)), cat(range.string.offset(range.end) - 1)});
  }
  return ranges.size();
}

HistoryRead take_history(const HistoryPiece& piece, std::span<const Reply> replies) {
  HistoryRead out;
  const auto ranges = history_ranges(piece.step, piece.begin, piece.end);
  assert(replies.size() == ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto bytes = as_string(replies[i]);
    if (!bytes) out.refused = bytes.error().message;
    append_records(piece.step, bytes.value_or(std::string()), records_in(ranges[i]), out);
  }
  return out;
}

}  // namespace multilink
