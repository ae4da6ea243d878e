// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_redis.hpp"

#include <algorithm>
#include <limits>

#include "fakes/redis_arguments.hpp"
#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

constexpr std::size_t kAny = 1'000'000;

void append_member(Reply::Array& out, const std::pair<double, std::string>& entry, bool with_score) {
  out.push_back({entry.second});
  if (with_score) out.push_back({from_score(entry.first)});
}

}  // namespace

const std::map<std::string, FakeRedis::CommandSpec>& FakeRedis::commands() {
  static const std::map<std::string, CommandSpec> all{
      {"PING", {&FakeRedis::ping, 1, 2, false}},
      {"SET", {&FakeRedis::set, 3, 5, true}},
      {"GET", {&FakeRedis::get_string, 2, 2, false}},
      {"SETRANGE", {&FakeRedis::setrange, 4, 4, true}},
      {"GETRANGE", {&FakeRedis::getrange, 4, 4, false}},
      {"DEL", {&FakeRedis::del, 2, kAny, false}},
      {"HSET", {&FakeRedis::hset, 4, kAny, true}},
      {"HGETALL", {&FakeRedis::hgetall, 2, 2, false}},
      {"HDEL", {&FakeRedis::hdel, 3, kAny, false}},
      {"ZADD", {&FakeRedis::zadd, 4, kAny, true}},
      {"ZREM", {&FakeRedis::zrem, 3, kAny, false}},
      {"ZCARD", {&FakeRedis::zcard, 2, 2, false}},
      {"ZRANGE", {&FakeRedis::zrange, 4, 6, false}},
      {"ZRANGEBYSCORE", {&FakeRedis::zrangebyscore, 4, 8, false}},
      {"ZREMRANGEBYSCORE", {&FakeRedis::zremrangebyscore, 4, 4, false}},
      {"ZREMRANGEBYRANK", {&FakeRedis::zremrangebyrank, 4, 4, false}},
      {"EXPIRE", {&FakeRedis::expire, 3, 3, false}},
      {"PEXPIRE", {&FakeRedis::pexpire, 3, 3, false}},
      {"PTTL", {&FakeRedis::pttl, 2, 2, false}},
      {"PUBLISH", {&FakeRedis::publish, 3, 3, false}},
      {"XADD", {&FakeRedis::xadd, 5, kAny, true}},
      {"XDEL", {&FakeRedis::xdel, 3, kAny, false}},
      {"XRANGE", {&FakeRedis::xrange, 4, 6, false}},
      {"XREVRANGE", {&FakeRedis::xrevrange, 4, 6, false}},
  };
  return all;
}

std::optional<Reply> FakeRedis::refusal(const Command& command, bool queued) const {
  const auto found = commands().find(upper(command.at(0)));
  if (found == commands().end()) {
    return Reply{Reply::Failure{cat("ERR unknown command '", command[0], "'")}};
  }
  const auto& spec = found->second;
  if (command.size() < spec.least || command.size() > spec.most) {
    return Reply{Reply::Failure{cat("ERR wrong number of arguments for '", lower(command[0]), "' command")}};
  }
  if (full_ && (spec.needs_memory || queued)) {
    return Reply{Reply::Failure{"OOM command not allowed when used memory > 'maxmemory'."}};
  }
  return std::nullopt;
}

Reply FakeRedis::execute(const Command& command) {
  if (auto no = refusal(command)) return *no;
  try {
    return (this->*commands().at(upper(command[0])).run)(command);
  } catch (const Reply::Failure& failure) {
    return {failure};
  }
}

void FakeRedis::stop() {
  running_ = false;
  frozen_ = false;
  for (auto* client : std::set(clients_)) client->server_stopped();
}

void FakeRedis::lose_data() {
  data_.clear();
}

void FakeRedis::freeze() {
  frozen_ = true;
  for (auto* client : std::set(clients_)) client->server_froze();
}

void FakeRedis::thaw() {
  frozen_ = false;
  for (auto* client : std::set(clients_)) client->server_thawed();
}

FakeRedis::Entry* FakeRedis::find(const std::string& key) {
  const auto found = data_.find(key);
  if (found == data_.end()) return nullptr;
  if (found->second.expires && *found->second.expires <= scheduler_.now().mono) {
    data_.erase(found);
    return nullptr;
  }
  return &found->second;
}

template <class T>
T* FakeRedis::get(const std::string& key) {
  auto* entry = find(key);
  if (entry == nullptr) return nullptr;
  auto* value = std::get_if<T>(&entry->value);
  if (value == nullptr) {
    throw Reply::Failure{"WRONGTYPE Operation against a key holding the wrong kind of value"};
  }
  return value;
}

template <class T>
T& FakeRedis::get_or_create(const std::string& key) {
  if (auto* value = get<T>(key)) return *value;
  return std::get<T>(data_.emplace(key, Entry{T{}, std::nullopt}).first->second.value);
}

void FakeRedis::drop_if_empty(const std::string& key) {
  const auto* entry = find(key);
  if (entry == nullptr) return;
  const auto* hash = std::get_if<Hash>(&entry->value);
  const auto* zset = std::get_if<SortedSet>(&entry->value);
  if ((hash != nullptr && hash->empty()) || (zset != nullptr && zset->scores.empty())) data_.erase(key);
}

Reply FakeRedis::ping(const Command& command) {
  return {command.size() > 1 ? command[1] : std::string("PONG")};
}

Reply FakeRedis::set(const Command& command) {
  Entry entry{command[2], std::nullopt};
  if (command.size() == 4) return syntax_error();
  if (command.size() == 5) {
    const auto unit = upper(command[3]);
    if (unit != "EX" && unit != "PX") return syntax_error();
    const auto amount = to_integer(command[4]);
    if (amount <= 0) return {Reply::Failure{"ERR invalid expire time in 'set' command"}};
    entry.expires = scheduler_.now().mono + amount * (unit == "EX" ? Duration(std::chrono::seconds(1))
                                                                   : Duration(std::chrono::milliseconds(1)));
  }
  data_[command[1]] = std::move(entry);
  return ok();
}

Reply FakeRedis::get_string(const Command& command) {
  const auto* text = get<std::string>(command[1]);
  return text == nullptr ? Reply{Reply::Nil{}} : Reply{*text};
}

Reply FakeRedis::setrange(const Command& command) {
  const auto offset = to_integer(command[2]);
  if (offset < 0) return {Reply::Failure{"ERR offset is out of range"}};
  const auto* old = get<std::string>(command[1]);
  if (command[3].empty()) return number(old == nullptr ? 0 : old->size());
  auto& text = get_or_create<std::string>(command[1]);
  text.resize(std::max(text.size(), static_cast<std::size_t>(offset) + command[3].size()), '\0');
  text.replace(static_cast<std::size_t>(offset), command[3].size(), command[3]);
  return number(text.size());
}

Reply FakeRedis::getrange(const Command& command) {
  const auto* text = get<std::string>(command[1]);
  const auto size = text == nullptr ? 0 : static_cast<std::int64_t>(text->size());
  const auto place = [&](std::int64_t at) { return std::max<std::int64_t>(at < 0 ? at + size : at, 0); };
  const auto given = std::pair(to_integer(command[2]), to_integer(command[3]));
  const bool is_backwards = given.first < 0 && given.second < 0 && given.first > given.second;
  const auto first = place(given.first);
  const auto end = std::min(place(given.second) + 1, size);
  if (is_backwards || first >= end) return {std::string()};
  return {text->substr(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first))};
}

Reply FakeRedis::del(const Command& command) {
  std::size_t deleted = 0;
  for (std::size_t i = 1; i < command.size(); ++i) {
    if (find(command[i]) != nullptr) deleted += data_.erase(command[i]);
  }
  return number(deleted);
}

Reply FakeRedis::hset(const Command& command) {
  if (command.size() % 2 != 0) return {Reply::Failure{"ERR wrong number of arguments for 'hset' command"}};
  auto& hash = get_or_create<Hash>(command[1]);
  std::size_t added = 0;
  for (std::size_t i = 2; i < command.size(); i += 2) {
    if (hash.insert_or_assign(command[i], command[i + 1]).second) ++added;
  }
  return number(added);
}

Reply FakeRedis::hgetall(const Command& command) {
  Reply::Array out;
  if (const auto* hash = get<Hash>(command[1])) {
    for (const auto& [field, value] : *hash) {
      out.push_back({field});
      out.push_back({value});
    }
  }
  return {std::move(out)};
}

Reply FakeRedis::hdel(const Command& command) {
  auto* hash = get<Hash>(command[1]);
  std::size_t deleted = 0;
  for (std::size_t i = 2; hash != nullptr && i < command.size(); ++i) deleted += hash->erase(command[i]);
  drop_if_empty(command[1]);
  return number(deleted);
}

Reply FakeRedis::zadd(const Command& command) {
  if (command.size() % 2 != 0) return syntax_error();
  std::vector<double> scores;  // all are looked at before any is used, as Redis does
  for (std::size_t i = 2; i < command.size(); i += 2) scores.push_back(to_score(command[i]));
  auto& zset = get_or_create<SortedSet>(command[1]);
  std::size_t added = 0;
  for (std::size_t i = 3; i < command.size(); i += 2) {
    const double score = scores[(i - 3) / 2];
    const auto [place, is_new] = zset.scores.try_emplace(command[i], score);
    if (!is_new) zset.order.erase({place->second, command[i]});
    place->second = score;
    zset.order.emplace(score, command[i]);
    if (is_new) ++added;
  }
  return number(added);
}

Reply FakeRedis::zrem(const Command& command) {
  auto* zset = get<SortedSet>(command[1]);
  std::size_t removed = 0;
  for (std::size_t i = 2; zset != nullptr && i < command.size(); ++i) {
    const auto found = zset->scores.find(command[i]);
    if (found == zset->scores.end()) continue;
    zset->order.erase({found->second, found->first});
    zset->scores.erase(found);
    ++removed;
  }
  drop_if_empty(command[1]);
  return number(removed);
}

Reply FakeRedis::zcard(const Command& command) {
  const auto* zset = get<SortedSet>(command[1]);
  return number(zset == nullptr ? 0 : zset->scores.size());
}

Reply FakeRedis::zrange(const Command& command) {
  bool with_scores = false;
  bool reverse = false;
  for (std::size_t i = 4; i < command.size(); ++i) {
    const auto option = upper(command[i]);
    if (option != "WITHSCORES" && option != "REV") return syntax_error();
    (option == "REV" ? reverse : with_scores) = true;
  }
  const auto* zset = get<SortedSet>(command[1]);
  Reply::Array out;
  if (zset == nullptr) return {std::move(out)};
  std::vector<std::pair<double, std::string>> all(zset->order.begin(), zset->order.end());
  if (reverse) std::reverse(all.begin(), all.end());
  const auto [from, to] = positions(to_integer(command[2]), to_integer(command[3]), all.size());
  for (std::size_t i = from; i < to; ++i) append_member(out, all[i], with_scores);
  return {std::move(out)};
}

Reply FakeRedis::zrangebyscore(const Command& command) {
  const ScoreRange range(command[2], command[3]);
  bool with_scores = false;
  std::int64_t skip = 0;
  std::int64_t most = -1;
  for (std::size_t i = 4; i < command.size(); ++i) {
    const auto option = upper(command[i]);
    if (option == "WITHSCORES") {
      with_scores = true;
    } else if (option == "LIMIT" && i + 2 < command.size()) {
      skip = to_integer(command[i + 1]);
      most = to_integer(command[i + 2]);
      i += 2;
    } else {
      return syntax_error();
    }
  }
  const auto* zset = get<SortedSet>(command[1]);
  Reply::Array out;
  if (zset == nullptr) return {std::move(out)};
  for (auto at = zset->order.lower_bound({range.least, ""}); at != zset->order.end(); ++at) {
    if (at->first > range.most || most == 0) break;
    if (!range.holds(at->first) || skip-- > 0) continue;
    append_member(out, *at, with_scores);
    --most;
  }
  return {std::move(out)};
}

Reply FakeRedis::zremrangebyscore(const Command& command) {
  const ScoreRange range(command[2], command[3]);
  Command doomed{"ZREM", command[1]};
  if (const auto* zset = get<SortedSet>(command[1])) {
    for (auto at = zset->order.lower_bound({range.least, ""}); at != zset->order.end(); ++at) {
      if (at->first > range.most) break;
      if (range.holds(at->first)) doomed.push_back(at->second);
    }
  }
  return zrem(doomed);
}

Reply FakeRedis::zremrangebyrank(const Command& command) {
  const auto from = to_integer(command[2]);
  const auto to = to_integer(command[3]);
  Command doomed{"ZREM", command[1]};
  if (const auto* zset = get<SortedSet>(command[1])) {
    const auto [first, end] = positions(from, to, zset->order.size());
    auto at = std::next(zset->order.begin(), static_cast<std::ptrdiff_t>(first));
    for (std::size_t i = first; i < end; ++i) doomed.push_back((at++)->second);
  }
  return zrem(doomed);
}

Reply FakeRedis::expire_in(const std::string& key, std::int64_t amount, Duration unit) {
  auto* entry = find(key);
  if (entry == nullptr) return number(0);
  entry->expires = scheduler_.now().mono + amount * unit;
  return number(1);
}

Reply FakeRedis::expire(const Command& command) {
  return expire_in(command[1], to_integer(command[2]), std::chrono::seconds(1));
}

Reply FakeRedis::pexpire(const Command& command) {
  return expire_in(command[1], to_integer(command[2]), std::chrono::milliseconds(1));
}

Reply FakeRedis::pttl(const Command& command) {
  const auto* entry = find(command[1]);
  if (entry == nullptr) return {std::int64_t{-2}};
  if (!entry->expires) return {std::int64_t{-1}};
  return {std::int64_t{
      std::chrono::duration_cast<std::chrono::milliseconds>(*entry->expires - scheduler_.now().mono)
          .count()}};
}

Reply FakeRedis::publish(const Command& command) {
  if (lose_hints_) return number(0);
  std::size_t reached = 0;
  for (auto* client : clients_) {
    if (!client->is_subscribed(command[1])) continue;
    client->deliver(command[1], command[2]);
    ++reached;
  }
  return number(reached);
}

void FakeRedis::trim(Stream& stream, std::size_t most) {
  while (stream.entries.size() > most) stream.entries.pop_front();
}

Reply FakeRedis::xadd(const Command& command) {
  std::size_t at = 2;
  std::optional<std::int64_t> most;
  if (upper(command[at]) == "MAXLEN") {
    ++at;
    if (command.at(at) == "~" || command[at] == "=") ++at;
    most = to_integer(command.at(at++));
    if (*most < 0) return {Reply::Failure{"ERR The MAXLEN argument must be >= 0."}};
  }
  if (at >= command.size() || (command.size() - at) % 2 == 0 || command.size() - at < 3) {
    return {Reply::Failure{"ERR wrong number of arguments for 'xadd' command"}};
  }
  if (command[at] != "*")
    return {Reply::Failure{"ERR Invalid stream ID specified as stream command argument"}};
  auto& stream = get_or_create<Stream>(command[1]);
  const auto wall = static_cast<std::uint64_t>(scheduler_.now().wall.time_since_epoch().count());
  // Ids only ever grow, also when the wall clock is set back.
  stream.last =
      wall > stream.last.first ? EntryId{wall, 0} : EntryId{stream.last.first, stream.last.second + 1};
  const auto fields = command.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  stream.entries.emplace_back(stream.last, std::vector<std::string>(fields, command.end()));
  if (most) trim(stream, static_cast<std::size_t>(*most));
  return {cat(stream.last.first, '-', stream.last.second)};
}

Reply FakeRedis::entries(const Command& command, bool reverse) {
  const auto bound = [](std::string_view text, std::uint64_t missing) -> EntryId {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    if (text == "-") return {0, 0};
    if (text == "+") return {kMost, kMost};
    const auto dash = text.find('-');
    const auto ms = parse_number<std::uint64_t>(text.substr(0, dash));
    const auto seq = dash == std::string_view::npos ? std::optional(missing)
                                                    : parse_number<std::uint64_t>(text.substr(dash + 1));
    if (!ms || !seq) throw Reply::Failure{"ERR Invalid stream ID specified as stream command argument"};
    return {*ms, *seq};
  };
  const auto& from = command[reverse ? 3 : 2];
  auto least = bound(std::string_view(from).substr(from.starts_with('(') ? 1 : 0), 0);
  if (from.starts_with('(')) ++least.second;  // nobody asks behind the greatest there can be
  const auto most = bound(command[reverse ? 2 : 3], std::numeric_limits<std::uint64_t>::max());
  auto count = std::numeric_limits<std::int64_t>::max();
  if (command.size() == 5) return syntax_error();
  if (command.size() == 6) {
    if (upper(command[4]) != "COUNT") return syntax_error();
    count = to_integer(command[5]);
  }
  Reply::Array out;
  const auto* stream = get<Stream>(command[1]);
  const std::size_t size = stream == nullptr ? 0 : stream->entries.size();
  for (std::size_t i = 0; i < size && static_cast<std::int64_t>(out.size()) < count; ++i) {
    const auto& [id, fields] = stream->entries[reverse ? size - 1 - i : i];
    if (id < least || id > most) continue;
    Reply::Array flat;
    for (const auto& text : fields) flat.push_back({text});
    out.push_back({Reply::Array{{cat(id.first, '-', id.second)}, {std::move(flat)}}});
  }
  return {std::move(out)};
}

Reply FakeRedis::xdel(const Command& command) {
  auto* stream = get<Stream>(command[1]);
  std::size_t deleted = 0;
  for (std::size_t i = 2; stream != nullptr && i < command.size(); ++i) {
    deleted += std::erase_if(stream->entries, [&](const auto& entry) {
      return cat(entry.first.first, '-', entry.first.second) == command[i];
    });
  }
  return number(deleted);
}

Reply FakeRedis::xrange(const Command& command) {
  return entries(command, false);
}

Reply FakeRedis::xrevrange(const Command& command) {
  return entries(command, true);
}

}  // namespace multilink::fakes
