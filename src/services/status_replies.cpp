// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/status_replies.hpp"

#include <cassert>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

constexpr unsigned kProbes = 20;

using Problems = std::vector<StatusProblem>;

/// Passes `result` on; an error of it becomes a problem of the key as well.
template <class T>
Result<T> noted(Result<T> result, std::string_view key, Problems& problems) {
  if (!result) problems.push_back({std::string(key), result.error().message});
  return result;
}

template <class Record>
Result<Record> decode_hash(const Reply& reply, std::string_view key, Problems& problems,
                           const char* absent = "no record yet") {
  const auto fields = as_fields(reply);
  if (fields && fields->empty()) return fail(absent);
  return noted(fields.and_then([](const Fields& all) { return Record::decode(all); }), key, problems);
}

Result<bool> decode_status(const Reply& reply, std::string_view key, Problems& problems) {
  if (std::holds_alternative<Reply::Nil>(reply.value)) return fail("not written yet");
  const auto decode = [](const std::string& text) -> Result<bool> {
    if (text == "TRUE") return true;
    if (text == "FALSE") return false;
    return fail(cat("'", printable(text), "' is neither TRUE nor FALSE"));
  };
  return noted(as_string(reply).and_then(decode), key, problems);
}

std::vector<EventRecord> decode_events(const Reply& reply, std::string_view key, Problems& problems) {
  const auto* entries = std::get_if<Reply::Array>(&reply.value);
  if (entries == nullptr) {
    problems.push_back({std::string(key), as_fields(reply).error().message});
    return {};
  }
  std::vector<EventRecord> events;
  for (const auto& entry : *entries) {
    if (auto event = noted(decode_event(entry), key, problems)) events.push_back(*std::move(event));
  }
  return events;
}

std::vector<UplinkStatus> decode_uplinks(const Reply& reply, std::string_view key, Problems& problems) {
  const auto members = noted(as_scored(reply), key, problems);
  std::vector<UplinkStatus> uplinks;
  if (!members) return uplinks;
  for (const auto& [name, precedence] : *members) {
    if (!is_name(name)) {
      problems.push_back({std::string(key), cat("'", printable(name), "' is not an uplink's name")});
      continue;
    }
    UplinkStatus uplink{name, fail("not read"), fail("not read"), fail("not read"), {}, {}};
    uplinks.push_back(std::move(uplink));
  }
  return uplinks;
}

/// `members` in ascending order of time.
std::map<Family, RecentProbes> decode_probes(const Reply& reply, std::string_view key, Problems& problems) {
  std::map<Family, RecentProbes> recent;
  const auto members = noted(as_scored(reply), key, problems);
  if (!members) return recent;
  for (const auto& [member, score] : *members) {
    const auto probe = noted(ProbeRecord::decode(member, score), key, problems);
    if (!probe) continue;
    RecentProbes& family = recent[probe->target.family()];
    ++family.settled;
    if (probe->outcome == Outcome::lost) ++family.lost;
    family.last = *probe;
  }
  return recent;
}

}  // namespace

Result<std::string> id_of_entry(const Reply& entry) {
  const auto* parts = std::get_if<Reply::Array>(&entry.value);
  if (parts == nullptr || parts->size() != 2) return fail("not an entry of a stream");
  return as_string(parts->front());
}

Result<EventRecord> decode_event(const Reply& entry) {
  const auto* parts = std::get_if<Reply::Array>(&entry.value);
  if (parts == nullptr || parts->size() != 2) return fail("not an entry of a stream");
  return as_fields((*parts)[1]).and_then([](const Fields& fields) { return EventRecord::decode(fields); });
}

std::vector<Store::Command> suite_commands(const RedisKeys& keys) {
  std::vector<Store::Command> commands{
      {"ZRANGE", keys.uplinks(), "0", std::to_string(kMaxActive - 1), "WITHSCORES"},
      {"HGETALL", keys.routing()},
      {"XREVRANGE", keys.events(), "+", "-", "COUNT", std::to_string(kEventsShown)}};
  for (const auto name : kDaemonNames) commands.push_back({"HGETALL", keys.daemon(name)});
  return commands;
}

void take_suite_replies(const RedisKeys& keys, const std::vector<Reply>& replies, StatusSnapshot& snapshot) {
  assert(replies.size() == 3 + kDaemonNames.size());
  Problems& problems = snapshot.problems;
  snapshot.uplinks = decode_uplinks(replies[0], keys.uplinks(), problems);
  snapshot.routing = decode_hash<RoutingRecord>(replies[1], keys.routing(), problems);
  snapshot.events = decode_events(replies[2], keys.events(), problems);
  for (std::size_t i = 0; i < kDaemonNames.size(); ++i) {
    const std::string_view name = kDaemonNames.at(i);
    auto record = decode_hash<DaemonRecord>(replies[3 + i], keys.daemon(name), problems, kNoDaemon);
    if (record && !record->stores) record = fail(DaemonRecord::kStoresNothing);
    snapshot.daemons.push_back({std::string(name), std::move(record)});
  }
}

std::vector<Store::Command> uplink_commands(const RedisKeys& keys, std::string_view uplink) {
  return {{"HGETALL", keys.link(uplink)},
          {"HGETALL", keys.health(uplink)},
          {"GET", keys.status(uplink)},
          {"GET", keys.status(uplink, Family::v4)},
          {"GET", keys.status(uplink, Family::v6)},
          {"ZRANGE", keys.probes(uplink), cat("-", kProbes), "-1", "WITHSCORES"},
          {"HGETALL", keys.proxy(uplink)}};
}

void take_uplink_replies(const RedisKeys& keys, std::span<const Reply> replies, UplinkStatus& uplink,
                         std::vector<StatusProblem>& problems) {
  assert(replies.size() == kUplinkCommands);
  uplink.link = decode_hash<LinkRecord>(replies[0], keys.link(uplink.name), problems);
  uplink.health = decode_hash<HealthRecord>(replies[1], keys.health(uplink.name), problems);
  uplink.usable = decode_status(replies[2], keys.status(uplink.name), problems);
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    const Family family = kFamilies.at(i);
    uplink.usable_in.insert_or_assign(
        family, decode_status(replies[3 + i], keys.status(uplink.name, family), problems));
  }
  uplink.recent = decode_probes(replies[5], keys.probes(uplink.name), problems);
  if (auto proxy = decode_hash<ProxyRecord>(replies[6], keys.proxy(uplink.name), problems))
    uplink.proxy = *proxy;
}

}  // namespace multilink
