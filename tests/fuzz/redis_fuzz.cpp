// SPDX-License-Identifier: GPL-2.0-or-later
// What is in Redis: replies of any shape in place of those that were asked for, the records in them, and the history. The input
// is in Redis' own words (RESP); hiredis, which reads those, is not what is tried here.
#include <charconv>
#include <vector>

#include "fuzz.hpp"
#include "multilink/core/history_record.hpp"
#include "multilink/core/proxy_record.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/services/history_replies.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {
namespace {

/// Reads replies off the front of a text; what is broken ends it.
class Replies {
 public:
  explicit Replies(std::string_view text) : text_(text) {}

  std::vector<Reply> all() {
    std::vector<Reply> out;
    while (!text_.empty() && out.size() < kMost) out.push_back(next(0));
    return out;
  }

 private:
  static constexpr std::size_t kMost = 64;
  static constexpr int kDeepest = 6;

  std::string_view line() {
    const auto end = std::min(text_.find("\r\n"), text_.size());
    const auto out = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 2, text_.size()));
    return out;
  }

  Reply next(int depth) {
    const auto head = line();
    if (head.empty()) return {};
    const auto rest = head.substr(1);
    std::int64_t number = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), number);
    switch (head[0]) {
      case '+':
        return {std::string(rest)};
      case '-':
        return {Reply::Failure{std::string(rest)}};
      case ':':
        return {number};
      case '$': {
        if (number < 0) return {};
        const std::string body(text_.substr(0, static_cast<std::size_t>(number)));
        text_.remove_prefix(body.size());
        if (text_.starts_with("\r\n")) text_.remove_prefix(2);
        return {body};
      }
      case '*': {
        Reply::Array array;
        for (; number > 0 && !text_.empty() && depth < kDeepest; --number) array.push_back(next(depth + 1));
        return {std::move(array)};
      }
      default:
        return {std::string(head)};
    }
  }

  std::string_view text_;
};

/// What was understood is understood again when it has been written, and then as the same: at the first writing texts of
/// others lose what would not be told from our own punctuation.
template <class Record>
void decode(const Reply& reply) {
  const auto fields = as_fields(reply);
  if (!fields) return;
  const auto record = Record::decode(*fields);
  if (!record) return;
  const auto written = Record::decode(record->encode());
  must(written.has_value());
  const auto again = Record::decode(written->encode());
  must(again && *again == *written);
}

void decode_all(const Reply& reply) {
  decode<LinkRecord>(reply);
  decode<HealthRecord>(reply);
  decode<RoutingRecord>(reply);
  decode<DaemonRecord>(reply);
  decode<EventRecord>(reply);
  decode<ProxyRecord>(reply);
  (void)id_of_entry(reply);
  (void)decode_event(reply);
  if (const auto scored = as_scored(reply)) {
    for (const auto& [member, score] : *scored) (void)ProbeRecord::decode(member, score);
  }
  const auto* text = std::get_if<std::string>(&reply.value);
  if (text == nullptr) return;
  for (const auto step : {HistoryStep::minute, HistoryStep::hour}) {
    const auto record = decode_history(step, *text);
    if (!record) continue;
    const auto again = decode_history(step, encode_history(step, *record));
    must(again && *again == *record);
    const HistoryPiece piece{"wan1", Family::v4, step, HistoryTime(), HistoryTime() + 3 * length_of(step)};
    (void)take_history(piece, std::vector(1, reply));
  }
}

}  // namespace
}  // namespace multilink

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  auto replies = Replies(as_text(data, size)).all();
  for (const auto& reply : replies) decode_all(reply);
  const RedisKeys keys("local");
  StatusSnapshot snapshot{"local", {}, {}, fail("not read"), {}, {}, {}};
  replies.resize(std::max(replies.size(), std::max(suite_commands(keys).size(), kUplinkCommands)));
  auto of_suite = replies;
  of_suite.resize(suite_commands(keys).size());
  take_suite_replies(keys, of_suite, snapshot);
  for (auto& uplink : snapshot.uplinks) {
    take_uplink_replies(keys, std::span(replies).last(kUplinkCommands), uplink, snapshot.problems);
  }
  return 0;
}
