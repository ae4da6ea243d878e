// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/routing_reporter.hpp"

#include <utility>

#include "multilink/services/store_commands.hpp"

namespace multilink {

RoutingReporter::RoutingReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys)
    : scheduler_(scheduler), store_(store), keys_(std::move(keys)), complaints_(log) {}

void RoutingReporter::set(const RoutingRecord& record) {
  if (known_ && record == record_) return;
  record_ = record;
  known_ = true;
  announced_ = false;
  write();
}

void RoutingReporter::add_event(EventRecord event) {
  events_.push_back(std::move(event));
  if (events_.size() > kMostEventsKept) events_.pop_front();
}

void RoutingReporter::on_ready() {
  announced_ = false;
  if (std::exchange(adopted_, true)) return write();
  store_.run({{"HGETALL", keys_.routing()}}, [this](const Result<std::vector<Reply>>& replies) {
    const auto fields = replies ? as_fields(replies->front()) : fail("");
    if (const auto earlier = fields ? RoutingRecord::decode(*fields) : fail("")) adopt(*earlier);
    write();
  });
}

void RoutingReporter::adopt(const RoutingRecord& earlier) {
  for (auto& [family, now] : record_.families) {
    const auto before = earlier.families.find(family);
    if (before == earlier.families.end() || before->second.active != now.active || !now.event.empty())
      continue;
    auto policies = std::move(now.policies);
    now = before->second;
    now.policies = std::move(policies);
  }
}

void RoutingReporter::write() {
  write_in(kRefresh);
  if (!known_ || !adopted_ || !store_.is_ready()) return;
  std::vector<Store::Command> commands;
  for (const auto& event : events_) commands.push_back(event_write(keys_, event));
  append_hash_replace(commands, keys_.routing(), record_.encode());
  if (!std::exchange(announced_, true)) commands.push_back({"PUBLISH", keys_.routing_channel(), ""});
  store_.run(commands, [this, commands, events = std::exchange(events_, {})](const auto& replies) {
    on_written(commands, events, replies);
  });
}

/// Events come first among the commands. One that Redis has not confirmed is written again: it may then be there
/// twice, with the same id.
void RoutingReporter::on_written(const std::vector<Store::Command>& commands,
                                 const std::deque<EventRecord>& events,
                                 const Result<std::vector<Reply>>& replies) {
  bool refused = false;
  std::deque<EventRecord> again;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto* refusal = replies && i < replies->size() ? refusal_in((*replies)[i]) : nullptr;
    if (replies && refusal == nullptr) continue;
    refused = true;
    if (i < events.size()) again.push_back(events[i]);
    if (refusal != nullptr) complaints_.refuse(subject_of(commands[i]), *refusal, scheduler_.now().mono);
  }
  if (replies) delete_spoilt_keys(store_, commands, *replies);
  if (!refused) return complaints_.accept(keys_.routing());
  events_.insert(events_.begin(), again.begin(), again.end());
  while (events_.size() > kMostEventsKept) events_.pop_front();
  announced_ = false;
  write_in(kRetry);
}

void RoutingReporter::write_in(Duration delay) {
  timer_ = scheduler_.after(delay, [this] { write(); });
}

}  // namespace multilink
