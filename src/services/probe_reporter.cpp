// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/probe_reporter.hpp"

#include <algorithm>

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

ProbeReporter::ProbeReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys, std::string boot)
    : scheduler_(scheduler), store_(store), log_(log), keys_(std::move(keys)), boot_(std::move(boot)) {}

void ProbeReporter::add_probe(const std::string& name, const SettledProbe& probe) {
  scores_.note(scheduler_.now());
  auto& uplink = uplinks_[name];
  const Duration delay = is_urgent(uplink, probe) ? Duration::zero() : kGather;
  uplink.last[probe.probe.target.family()] = probe.outcome;
  uplink.unwritten[{probe.probe.target.family(), probe.probe.request.sequence}] = probe;
  if (!store_.is_ready()) drop_oldest(uplink);
  schedule(delay);
}

void ProbeReporter::set_link(const std::string& name, LinkRecord record) {
  uplinks_[name].link = std::move(record);
  links_due_.insert(name);
  forgotten_.erase(name);
  schedule(Duration::zero());
}

void ProbeReporter::add_event(EventRecord event) {
  events_.push_back(std::move(event));
  if (events_.size() > kMostEventsKept) events_.pop_front();
  schedule(Duration::zero());
}

void ProbeReporter::forget(const std::string& name) {
  uplinks_.erase(name);
  links_due_.erase(name);
  forgotten_.insert(name);
  schedule(Duration::zero());
}

void ProbeReporter::on_ready() {
  refresh();
}

void ProbeReporter::refresh() {
  refresh_timer_ = scheduler_.after(kRefresh, [this] { refresh(); });
  for (const auto& [name, uplink] : uplinks_) {
    if (uplink.link) links_due_.insert(name);
  }
  flush();
}

void ProbeReporter::flush() {
  due_.reset();
  timer_.reset();
  if (!store_.is_ready()) return;
  auto batch = std::make_shared<Batch>(take_batch());
  if (batch->commands.empty()) return;
  store_.run(batch->commands, [this, batch](const auto& replies) { on_written(batch, replies); });
}

bool ProbeReporter::is_urgent(Uplink& uplink, const SettledProbe& probe) const {
  const auto last = uplink.last.find(probe.probe.target.family());
  const bool was_calm = last != uplink.last.end() && last->second == Outcome::answered;
  return !was_calm || probe.outcome == Outcome::lost || probe.corrects ||
         probe.probe.kind != ProbeKind::regular;
}

void ProbeReporter::schedule(Duration delay) {
  const MonoTime wanted = scheduler_.now().mono + delay;
  if (due_ && *due_ <= wanted) return;
  due_ = wanted;
  timer_ = scheduler_.after(delay, [this] { flush(); });
}

ProbeReporter::Batch ProbeReporter::take_batch() {
  Batch batch;
  batch.links = std::exchange(links_due_, {});
  batch.forgotten = std::exchange(forgotten_, {});
  batch.events = std::exchange(events_, {});
  for (const auto& name : batch.forgotten) {
    batch.commands.push_back({"DEL", keys_.link(name), keys_.probes(name)});
  }
  for (const auto& event : batch.events) batch.commands.push_back(event_write(keys_, event));
  for (auto& [name, uplink] : uplinks_) {
    const bool link_due = batch.links.count(name) != 0;
    if (link_due) {
      uplink.link->written = scheduler_.now().mono;
      append_hash_replace(batch.commands, keys_.link(name), uplink.link->encode());
      batch.commands.push_back(removal_of_the_future(keys_.probes(name)));
    }
    const bool probes_due = !uplink.unwritten.empty();
    if (probes_due) append_probes(batch, name, uplink);
    if (link_due || probes_due) batch.commands.push_back({"PUBLISH", keys_.probe_channel(), name});
  }
  return batch;
}

void ProbeReporter::append_probes(Batch& batch, const std::string& name, Uplink& uplink) {
  const auto key = keys_.probes(name);
  Store::Command removal{"ZREM", key};
  Store::Command addition{"ZADD", key};
  for (const auto& [unused, probe] : uplink.unwritten) {
    const auto record = probe.record(boot_);
    addition.push_back(std::to_string(record.sent_wall.time_since_epoch().count()));
    addition.push_back(record.encode());
    if (probe.corrects) removal.push_back(probe.corrected_record(boot_).encode());
  }
  if (removal.size() > 2) batch.commands.push_back(std::move(removal));
  batch.commands.push_back(std::move(addition));
  append_trim(batch, key, uplink);
  batch.probes[name] = std::exchange(uplink.unwritten, {});
}

Store::Command ProbeReporter::removal_of_the_old(const std::string& key) const {
  const auto oldest = scheduler_.now().wall - std::chrono::duration_cast<std::chrono::milliseconds>(history_);
  return {"ZREMRANGEBYSCORE", key, "-inf", cat("(", oldest.time_since_epoch().count())};
}

/// No probe of ours has such a score, also not from before the wall clock was set back: left alone, entries from
/// the future would count as the newest for ever and push ours out.
Store::Command ProbeReporter::removal_of_the_future(const std::string& key) {
  const Now now = scheduler_.now();
  scores_.note(now);
  std::int64_t newest = 0;
  for (const auto& range : scores_.ranges(now.mono - history_, now)) newest = std::max(newest, range.second);
  return {"ZREMRANGEBYSCORE", key, cat("(", newest), "+inf"};
}

void ProbeReporter::append_trim(Batch& batch, const std::string& key, Uplink& uplink) {
  const MonoTime now = scheduler_.now().mono;
  if (uplink.trimmed && now < *uplink.trimmed + kTrimEvery) return;
  uplink.trimmed = now;
  batch.commands.push_back(removal_of_the_old(key));
  batch.commands.push_back(removal_of_the_future(key));  // before the count, in which they would be the last
  batch.commands.push_back({"ZREMRANGEBYRANK", key, "0", std::to_string(-kMostStored - 1)});
  // An uplink that nobody writes about any more does not stay for ever.
  const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(history_ + 2 * kTrimEvery);
  batch.commands.push_back({"PEXPIRE", key, std::to_string(life.count())});
}

void ProbeReporter::on_written(const std::shared_ptr<Batch>& batch,
                               const Result<std::vector<Reply>>& replies) {
  if (!replies) {  // the store tells of lost connections itself, and calls on_ready when there is a new one
    take_back(std::move(*batch));
    if (store_.is_ready()) schedule(kRetry);
    return;
  }
  const auto refusal = find_refusal(*batch, *replies);
  note_problem(refusal.value_or(""));
  if (!refusal) return;
  delete_spoilt_keys(store_, batch->commands, *replies);
  keep_refused_events(*batch, *replies);
  take_back(std::move(*batch));
  schedule(is_full(*replies) && make_room() ? Duration::zero() : kRetry);
}

bool ProbeReporter::make_room() {
  if (history_ <= least_) return false;
  history_ = std::max(history_ / 2, least_);
  log_.warning(cat("Redis is full: it keeps single probes for ", format_span(history_),
                   " from now on, until pingd is reloaded; raise maxmemory"));
  std::vector<Store::Command> commands;
  for (const auto& [name, unused] : uplinks_) commands.push_back(removal_of_the_old(keys_.probes(name)));
  store_.run(std::move(commands), {});
  return true;
}

std::optional<std::string> ProbeReporter::find_refusal(const Batch& batch,
                                                       const std::vector<Reply>& replies) {
  std::optional<std::string> first;
  for (std::size_t i = 0; i < replies.size() && !first; ++i) {
    const auto* refusal = refusal_in(replies[i]);
    if (refusal != nullptr) first = cat(subject_of(batch.commands.at(i)), ": ", printable(*refusal));
  }
  return first;
}

void ProbeReporter::keep_refused_events(Batch& batch, const std::vector<Reply>& replies) {
  std::deque<EventRecord> refused;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const auto& reply = replies.at(batch.forgotten.size() + i);  // as take_batch() orders the commands
    if (refusal_in(reply) != nullptr) refused.push_back(std::move(batch.events[i]));
  }
  batch.events = std::move(refused);
}

void ProbeReporter::take_back(Batch batch) {
  for (const auto& name : batch.links) {
    if (uplinks_.count(name) != 0) links_due_.insert(name);
  }
  for (const auto& name : batch.forgotten) {
    if (uplinks_.count(name) == 0) forgotten_.insert(name);
  }
  events_.insert(events_.begin(), batch.events.begin(), batch.events.end());
  while (events_.size() > kMostEventsKept) events_.pop_front();
  for (auto& [name, probes] : batch.probes) {
    const auto uplink = uplinks_.find(name);
    if (uplink == uplinks_.end()) continue;
    uplink->second.unwritten.merge(probes);  // what has been corrected meanwhile stays as it is now
    uplink->second.trimmed.reset();          // trimming frees memory, if that was the trouble
    drop_oldest(uplink->second);
  }
}

void ProbeReporter::note_problem(const std::string& problem) {
  if (problem == problem_) return;
  if (problem.empty()) {
    log_.info("Redis takes what pingd writes again");
  } else if (complaint_pace_.admit(scheduler_.now().mono)) {
    log_.error(cat("Redis refuses what pingd writes (it is kept for 2 minutes and tried again): ", problem));
  } else {
    return;  // said when it lasts
  }
  problem_ = problem;
}

void ProbeReporter::drop_oldest(Uplink& uplink) const {
  const MonoTime oldest = scheduler_.now().mono - kKept;
  std::erase_if(uplink.unwritten, [&](const auto& item) { return item.second.probe.sent.mono < oldest; });
  while (uplink.unwritten.size() > kMostKept) uplink.unwritten.erase(uplink.unwritten.begin());
}

}  // namespace multilink
