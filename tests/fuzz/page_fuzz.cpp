// SPDX-License-Identifier: GPL-2.0-or-later
// The status page over hostile contents of Redis: the records of a suite at work, in which any text, name and member may be
// another one. Whatever is in them, each answer is well formed and nothing of it is markup.
#include <nlohmann/json.hpp>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/status_sample.hpp"
#include "fuzz.hpp"
#include "multilink/core/cgi.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/history_replies.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {
namespace {

constexpr std::size_t kLongest = 10'240;
/// Wherever one of its signs of markup comes out as it went in, it stands beside a "zq".
constexpr std::string_view kMarker = "<zq>zq'zq\"zq&zq\r\n# zq";

/// A text of others: bytes of the input, perhaps with the marker, perhaps long.
std::string hostile(FuzzedDataProvider& input) {
  std::string out = input.ConsumeRandomLengthString(64);
  const auto how = input.ConsumeIntegral<std::uint8_t>();
  if (how & 1) out.insert(out.size() / 2, kMarker);
  if (how & 2) out.resize(kLongest, out.empty() ? '"' : out.back());
  return out;
}

/// What the daemons would have written, with some of it replaced: keys stay, for they are ours to choose.
std::vector<Store::Command> spoilt(std::vector<Store::Command> commands, FuzzedDataProvider& input) {
  while (input.remaining_bytes() > 2) {
    auto& command = commands[input.ConsumeIntegralInRange<std::size_t>(0, commands.size() - 1)];
    const std::size_t first = command[0] == "XADD" ? 3 : 2;
    command[input.ConsumeIntegralInRange<std::size_t>(first, command.size() - 1)] = hostile(input);
  }
  return commands;
}

std::vector<Reply> ask(fakes::FakeRedis& redis, const std::vector<Store::Command>& commands) {
  std::vector<Reply> out;
  for (const auto& command : commands) out.push_back(redis.execute(command));
  return out;
}

/// As the status reader does it, but for the history, whose bytes redis_fuzz tries.
StatusSnapshot read(fakes::FakeRedis& redis) {
  const RedisKeys keys("local");
  StatusSnapshot out{"local", fakes::kSampleTime, {}, fail("not read"), {}, {}, {}};
  take_suite_replies(keys, ask(redis, suite_commands(keys)), out);
  for (auto& uplink : out.uplinks) {
    take_uplink_replies(keys, ask(redis, uplink_commands(keys, uplink.name)), uplink, out.problems);
    ShownHistory history;
    history.day = {HistoryStep::minute, HistoryTime(), std::vector<HistoryRecord>(3)};
    history.day.records[1].up = std::chrono::minutes(1);
    history.day.records[1].probes = 60;
    uplink.history[Family::v4] = history;
  }
  return out;
}

bool is_utf8(std::string_view text) {
  // The encoder of JSON refuses what is not.
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

void has_no_markup_of_others(std::string_view page) {
  for (const auto* sign : {"<zq", ">zq", "'zq", "\"zq", "&zq"}) must(page.find(sign) == page.npos);
  // The page has two elements of script at the most, its own.
  for (auto at = page.find('<'); at != page.npos; at = page.find('<', at + 1)) {
    const char next = at + 1 < page.size() ? page[at + 1] : '\0';
    must((next >= 'a' && next <= 'z') || next == '/' || next == '!' || page.substr(at, 2) == "<=" ||
         page.substr(at, 2) == "< ");
  }
}

std::string_view name_at(std::string_view text) {
  return text.substr(0, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"));
}

/// The rest behind `{name="value",…}`, whose values know no escape but \\, \" and \n.
std::string_view behind_labels(std::string_view text) {
  while (!text.empty() && (text[0] == '{' || text[0] == ',')) {
    const auto name = name_at(text.substr(1));
    text.remove_prefix(1 + name.size());
    must(!name.empty() && text.starts_with("=\""));
    std::size_t end = 2;
    for (; end < text.size() && text[end] != '"'; ++end) {
      if (text[end] != '\\') continue;
      ++end;
      must(end < text.size() && (text[end] == '\\' || text[end] == '"' || text[end] == 'n'));
    }
    must(end < text.size());
    text.remove_prefix(end + 1);
    if (text.starts_with('}')) return text.substr(1);
  }
  return text;
}

/// OpenMetrics, as far as this page goes: comments, and samples.
void is_metrics(std::string_view text) {
  must(text.ends_with("# EOF\n"));
  text.remove_suffix(std::string_view("# EOF\n").size() + 1);
  for (auto line : split(text, '\n')) {
    if (line.starts_with("# TYPE ") || line.starts_with("# UNIT ") || line.starts_with("# HELP ")) {
      must(line.substr(7).starts_with("multilink_"));
      continue;
    }
    const auto name = name_at(line);
    must(name.starts_with("multilink_"));
    line = behind_labels(line.substr(name.size()));
    must(line.size() > 1 && line[0] == ' ' && line.find_first_not_of("-+0123456789.e", 1) == line.npos);
  }
}

/// RFC 4180: rows of as many fields as the head; a quote only opens, closes, or is doubled.
void is_csv(std::string_view text) {
  constexpr std::size_t kFields = 13;
  std::size_t fields = 1;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == ',') ++fields;
    if (text[i] == '\n') must(text[i - 1] == '\r' && std::exchange(fields, 1) == kFields);
  }
  must(!quoted && text.ends_with("\r\n"));
}

void check(const CgiResponse& response, PageFormat format) {
  must(response.status == 200 && is_utf8(response.body));
  const auto wire = to_wire(response, "GET");
  must(wire.substr(wire.find("\r\n\r\n") + 4) == response.body);
  switch (format) {
    case PageFormat::html:
      return has_no_markup_of_others(response.body);
    case PageFormat::json:
      return must(nlohmann::json::accept(response.body));
    case PageFormat::prometheus:
      return is_metrics(response.body);
    case PageFormat::csv:
      return is_csv(response.body);
  }
}

}  // namespace
}  // namespace multilink

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  FuzzedDataProvider input(data, size);
  const auto sample = input.ConsumeBool() ? fakes::sample_snapshot() : fakes::failed_over_snapshot();
  const auto format =
      input.PickValueInArray({PageFormat::html, PageFormat::json, PageFormat::prometheus, PageFormat::csv});
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  for (const auto& command : spoilt(fakes::commands_to_write(sample), input)) redis.execute(command);
  const Result<StatusSnapshot> snapshot = read(redis);
  check(status_response(snapshot, {format, ChartRange::day}), format);
  return 0;
}
