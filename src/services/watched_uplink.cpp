// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/watched_uplink.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "multilink/core/probe_ledger.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

/// A probe sent by then had settled, and its report had arrived, when the last read was asked for.
constexpr Duration kOverlap = HealthMachine::kLongestTimeout + HealthMachine::kReportMargin;

}  // namespace

WatchedUplink::WatchedUplink(const UplinkConfig& uplink, const std::string& boot, const RedisKeys& keys,
                             Complaints& complaints, const Now& now)
    : keys_(keys),
      complaints_(complaints),
      boot_(boot),
      health_(uplink, boot, now),
      published_(keys, uplink.name) {}

WatchedUplink::Question WatchedUplink::ask(bool closely, const ProbeScores& scores, const Now& now,
                                           std::vector<Store::Command>& commands) const {
  assert(closely || is_adopted_);
  const auto& name = health_.config().name;
  Question question{now.mono, 0, closely, writes_};
  if (!read_) {
    commands.push_back({"ZRANGE", keys_.probes(name), cat(-kMostStored), "-1", "WITHSCORES"});
    question.ranges = 1;
  } else {
    auto since = *read_ - kOverlap;
    if (closely && health_.has_losses()) since = std::min(since, now.mono - ProbeLedger::kMemory);
    for (const auto& [first, last] : scores.ranges(since, now)) {
      commands.push_back({"ZRANGEBYSCORE", keys_.probes(name), cat(first), cat(last), "WITHSCORES"});
      ++question.ranges;
    }
  }
  commands.push_back({"HGETALL", keys_.link(name)});
  if (!closely) return question;
  commands.push_back({"HGETALL", keys_.admin(name)});
  published_.append_reads(commands);
  return question;
}

void WatchedUplink::take(const Question& question, std::span<const Reply> replies, bool pingd_lives,
                         const Now& now) {
  assert(replies.size() == question.replies());
  if (question.own_keys) take_admin(replies[question.ranges + 1], now);
  // What was asked for before our last write is out of date.
  const bool own_keys = question.own_keys && question.writes == writes_;
  const bool differs = own_keys && published_.found(replies.last(PublishedHealth::kReads));
  Result<std::optional<HealthRecord>> stored;
  if (own_keys && !is_adopted_) stored = published_.stored();
  if (stored && *stored) health_.recall(**stored, now);
  if (take_probes(replies.first(question.ranges), now)) read_ = question.at;
  if (pingd_lives) take_link(replies[question.ranges], now);
  if (is_adopted_) health_.advance(now);
  if (own_keys) take_own_keys(stored, differs, now);
}

void WatchedUplink::configure(const UplinkConfig& uplink, const Now& now) {
  health_.configure(uplink, now);
  if (is_adopted_) health_.advance(now);
}

bool WatchedUplink::take_probes(std::span<const Reply> ranges, const Now& now) {
  const auto key = keys_.probes(health_.config().name);
  std::vector<ProbeRecord> probes;
  std::set<std::string, std::less<>> members;
  bool all_read = true;
  const auto refuse = [&](const Error& error) { complaints_.refuse(key, error.message, now.mono); };
  for (const auto& range : ranges) {
    auto scored = as_scored(range);
    if (!scored) {
      refuse(scored.error());
      all_read = false;
      continue;
    }
    for (auto& [member, score] : *scored) {
      if (!known_.contains(member)) {
        auto probe = ProbeRecord::decode(member, score);
        probe ? probes.push_back(*std::move(probe)) : refuse(probe.error());
      }
      members.insert(std::move(member));
    }
  }
  known_ = std::move(members);
  if (const auto shown = health_.observe(probes, now); !shown) refuse(shown.error());
  return all_read;
}

void WatchedUplink::take_link(const Reply& reply, const Now& now) {
  const auto key = keys_.link(health_.config().name);
  const auto fields = as_fields(reply);
  if (fields && fields->empty()) return;
  const auto link = fields.and_then([](const Fields& all) { return LinkRecord::decode(all); });
  if (!link) return complaints_.refuse(key, link.error().message, now.mono);
  const auto age = link_.judge(boot_, link->boot, link->written, now.mono);
  if (age == NewestWord::Age::from_the_future) return complaints_.refuse(key, kFromTheFuture, now.mono);
  complaints_.accept(key);
  if (age == NewestWord::Age::outdated) return;
  health_.report_link(*link, now);
}

/// What cannot be understood changes nothing.
void WatchedUplink::take_admin(const Reply& reply, const Now& now) {
  const auto key = keys_.admin(health_.config().name);
  const auto fields = as_fields(reply);
  const bool is_missing = fields && fields->empty();
  const auto asked = fields.and_then([](const Fields& all) { return AdminRecord::decode(all); });
  if (!asked && !is_missing) return complaints_.refuse(key, asked.error().message, now.mono);
  complaints_.accept(key);
  const auto order = is_missing ? std::nullopt : std::optional(*asked);
  is_adopted_ ? health_.order(order, now) : health_.begin_under(order, now);
}

void WatchedUplink::take_own_keys(const Result<std::optional<HealthRecord>>& stored, bool differs,
                                  const Now& now) {
  const auto key = keys_.health(health_.config().name);
  if (is_adopted_) {
    if (differs)
      complaints_.refuse(key, "this or a status is not as healthd wrote it; written again", now.mono);
    return;
  }
  if (!stored) complaints_.refuse(key, stored.error().message, now.mono);
  health_.adopt(stored.value_or(std::nullopt), now);
  is_adopted_ = true;
}

WatchedUplink::Batch WatchedUplink::write(bool with_figures, MonoTime now) {
  Batch batch;
  if (!is_adopted_) return batch;
  batch.fresh = health_.take_events();
  unwritten_.insert(unwritten_.end(), batch.fresh.begin(), batch.fresh.end());
  if (unwritten_.size() > kMostUnwritten)
    unwritten_.erase(unwritten_.begin(), unwritten_.end() - kMostUnwritten);
  auto wanted = published_.encode(health_.record());
  const auto change = published_.compare(wanted);
  const bool is_news = change == PublishedHealth::Change::news || !unwritten_.empty();
  if (!is_news && !(with_figures && change == PublishedHealth::Change::figures)) return batch;

  published_.append_writes(std::move(wanted), now, batch.commands);
  batch.keys = batch.commands.size();
  batch.events = std::exchange(unwritten_, {});
  for (const auto& event : batch.events) batch.commands.push_back(event_write(keys_, event));
  if (is_news) batch.commands.push_back({"PUBLISH", keys_.status_channel(), health_.config().name});
  ++writes_;
  return batch;
}

void WatchedUplink::written(Batch batch, const Result<std::vector<Reply>>& replies, const Now& now) {
  std::vector<EventRecord> lost;
  for (std::size_t i = 0; i < batch.commands.size(); ++i) {
    if (replies && refusal_in((*replies)[i]) == nullptr) continue;
    if (i < batch.keys) published_.forget();
    if (i >= batch.keys && i < batch.keys + batch.events.size()) {
      lost.push_back(std::move(batch.events[i - batch.keys]));
    }
    if (replies) {
      complaints_.refuse(cat("writing ", subject_of(batch.commands[i])),
                         printable(*refusal_in((*replies)[i])), now.mono);
    }
  }
  std::ranges::move(unwritten_, std::back_inserter(lost));
  unwritten_ = std::move(lost);
}

}  // namespace multilink
