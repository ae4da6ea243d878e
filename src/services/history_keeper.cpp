// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/history_keeper.hpp"

#include <array>

#include "multilink/core/text.hpp"
#include "multilink/services/history_replies.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostBegun = 16;  // keys of one uplink, before they are looked after again

std::string subject(const std::string& uplink) {
  return cat("the history of ", uplink);
}

}  // namespace

HistoryKeeper::HistoryKeeper(Store& store, const RedisKeys& keys, Complaints& complaints, Uplinks& uplinks)
    : store_(store), keys_(keys), complaints_(complaints), uplinks_(uplinks) {}

void HistoryKeeper::begin_anew() {
  begun_.clear();
  not_before_.reset();
  for (auto& [name, uplink] : uplinks_) {
    for (const Family family : kFamilies) {
      if (auto* recorder = uplink.history(family)) recorder->forget_writes();
    }
  }
}

void HistoryKeeper::sweep(MonoTime now) {
  if (is_busy_ || !store_.is_ready() || (not_before_ && now < *not_before_)) return;
  if (begun_.size() > kMostBegun * uplinks_.size()) begun_.clear();
  Batch batch;
  std::size_t uplinks = 0;
  auto at = uplinks_.lower_bound(next_);
  for (std::size_t looked = 0; looked < uplinks_.size() && uplinks < kMostAtOnce; ++looked) {
    if (at == uplinks_.end()) at = uplinks_.begin();
    bool has_any = false;
    for (const Family family : kFamilies) has_any |= append({at->first, family}, false, batch);
    uplinks += has_any ? 1 : 0;
    ++at;
  }
  next_ = at == uplinks_.end() ? std::string() : at->first;
  if (batch.commands.empty()) return;
  is_busy_ = true;
  auto commands = batch.commands;
  store_.run(std::move(commands),
             [this, now, batch = std::move(batch)](const Result<std::vector<Reply>>& replies) {
               is_busy_ = false;
               done(batch, replies, now);
             });
}

void HistoryKeeper::finish() {
  Batch batch;
  for (const auto& [name, uplink] : uplinks_) {
    for (const Family family : kFamilies) append({name, family}, true, batch);
  }
  if (!batch.commands.empty()) store_.run(std::move(batch.commands), {});
}

HistoryRecorder* HistoryKeeper::find(const Name& name) {
  const auto uplink = uplinks_.find(name.first);
  return uplink == uplinks_.end() || !uplink->second.is_known() ? nullptr
                                                                : uplink->second.history(name.second);
}

/// True if there is something to do for it.
bool HistoryKeeper::append(const Name& name, bool unfinished, Batch& batch) {
  auto* recorder = find(name);
  if (recorder == nullptr) return false;
  const auto before = batch.commands.size();
  for (const auto hour : recorder->unknown_hours()) append_read(name, hour, batch);
  for (const auto& write : recorder->take_writes(unfinished)) append_write(name, write, batch);
  return batch.commands.size() > before;
}

void HistoryKeeper::append_read(const Name& name, HistoryTime hour, Batch& batch) const {
  batch.reads.push_back({name, hour, batch.commands.size()});
  const HistoryPiece piece{name.first, name.second, HistoryStep::minute, hour, hour + std::chrono::hours(1)};
  append_history_reads(keys_, piece, batch.commands);  // an hour is of one day: one command
}

void HistoryKeeper::append_write(const Name& name, const HistoryWrite& write, Batch& batch) {
  const auto string = HistoryString::of(write.step, write.begin);
  const auto key = string.key(keys_, name.first, name.second);
  if (begun_.insert(key).second) {
    batch.commands.push_back({"SETRANGE", key, cat(string.last_byte()), std::string(1, '\0')});
    const auto kept = std::chrono::duration_cast<std::chrono::milliseconds>(string.kept());
    batch.commands.push_back({"PEXPIRE", key, cat(kept.count())});
  }
  std::string bytes;
  for (const auto& record : write.records) bytes += encode_history(write.step, record);
  batch.commands.push_back({"SETRANGE", key, cat(string.offset(write.begin)), std::move(bytes)});
  batch.writes.insert(name);
}

void HistoryKeeper::done(const Batch& batch, const Result<std::vector<Reply>>& replies, MonoTime now) {
  bool is_refused = false;
  if (replies) {
    delete_spoilt_keys(store_, batch.commands, *replies);
    for (const auto& read : batch.reads) take_up(read, (*replies)[read.at], now);
    for (std::size_t i = 0; i < replies->size(); ++i) {
      const auto* refusal = refusal_in((*replies)[i]);
      if (refusal == nullptr || is_refused) continue;
      is_refused = true;
      complaints_.refuse(cat("writing the history"),
                         cat(subject_of(batch.commands[i]), ": ", printable(*refusal)), now);
    }
  }
  if (replies && !is_refused) return complaints_.accept("writing the history");
  begun_.clear();
  if (is_refused) not_before_ = now + kPause;
  for (const auto& name : batch.writes) {
    if (auto* recorder = find(name)) recorder->forget_writes();
  }
}

void HistoryKeeper::take_up(const Batch::Read& read, const Reply& reply, MonoTime now) {
  auto* recorder = find(read.name);
  if (recorder == nullptr) return;
  const HistoryPiece piece{read.name.first, read.name.second, HistoryStep::minute, read.hour,
                           read.hour + std::chrono::hours(1)};
  const auto stored = take_history(piece, {&reply, 1});
  if (stored.refused) complaints_.refuse(subject(read.name.first), *stored.refused, now);
  recorder->take_up(read.hour, stored.records);
}

}  // namespace multilink
