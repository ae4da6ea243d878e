// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/history_source.hpp"

#include <utility>

#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/history_replies.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {
namespace {

Result<std::vector<Reply>> run(const StatusSource& source, std::vector<Store::Command> commands,
                               Duration deadline) {
  return run_on_redis(source, std::move(commands), deadline).map_error([&](const Error& error) {
    return Error{cat(source.redis.to_string(), ": ", error.message), error.code};
  });
}

}  // namespace

Result<std::vector<NamedSeries>> read_history(const StatusSource& source, const std::string& uplink,
                                              HistoryStep step, HistoryTime begin, HistoryTime end,
                                              Duration deadline) {
  std::vector<Store::Command> commands;
  std::vector<HistoryPiece> pieces;
  std::size_t each = 0;
  for (const Family family : kFamilies) {
    pieces.push_back({uplink, family, step, begin, end});
    each = append_history_reads(RedisKeys(source.site), pieces.back(), commands);
  }
  const auto replies = run(source, std::move(commands), deadline);
  if (!replies) return tl::unexpected<Error>(replies.error());
  std::span<const Reply> rest(*replies);
  std::vector<NamedSeries> out;
  for (const auto& piece : pieces) {
    out.push_back({uplink, piece.family, {step, begin, take_history(piece, rest.first(each)).records}});
    rest = rest.subspan(each);
  }
  return out;
}

Result<std::vector<EventRecord>> read_events(const StatusSource& source, WallTime since, Duration deadline) {
  // An entry's id begins with the time at which Redis took it.
  const auto replies = run(
      source, {{"XREVRANGE", RedisKeys(source.site).events(), "+", cat(since.time_since_epoch().count())}},
      deadline);
  if (!replies) return tl::unexpected<Error>(replies.error());
  std::vector<EventRecord> out;
  const auto* entries = std::get_if<Reply::Array>(&replies->front().value);
  if (entries == nullptr) return out;
  for (const auto& entry : *entries) {
    if (auto event = decode_event(entry)) out.push_back(*std::move(event));
  }
  return out;
}

}  // namespace multilink
