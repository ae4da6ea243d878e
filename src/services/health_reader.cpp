// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/health_reader.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {

HealthRecords understand_health(const std::vector<std::string>& names, const std::vector<Reply>& replies,
                                const RedisKeys& keys, Complaints& complaints, MonoTime now) {
  HealthRecords out;
  for (std::size_t i = 0; i < names.size() && i < replies.size(); ++i) {
    const auto key = keys.health(names[i]);
    const auto fields = as_fields(replies[i]);
    if (fields && fields->empty()) continue;
    auto record = fields ? HealthRecord::decode(*fields) : tl::unexpected<Error>(fields.error());
    if (record) {
      complaints.accept(key);
      out.emplace(names[i], *std::move(record));
    } else {
      complaints.refuse(key, record.error().message, now);
    }
  }
  return out;
}

bool speaks_of(const HealthRecord& record, const UplinkConfig& uplink, std::string_view boot) {
  return record.boot == boot && (uplink.mac || record.device == uplink.device);
}

std::vector<Store::Command> health_commands(const std::vector<std::string>& names, const RedisKeys& keys) {
  std::vector<Store::Command> out;
  out.reserve(names.size());
  for (const auto& name : names) out.push_back({"HGETALL", keys.health(name)});
  return out;
}

HealthReader::HealthReader(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys, std::string boot,
                           Heard heard)
    : scheduler_(scheduler),
      store_(store),
      keys_(std::move(keys)),
      boot_(std::move(boot)),
      heard_(std::move(heard)),
      complaints_(log),
      ages_(log) {}

void HealthReader::set_uplinks(const Config& config) {
  const auto before = std::exchange(uplinks_, {});
  for (const auto& uplink : config.uplinks) uplinks_.insert(uplink.name);
  std::ranges::set_difference(before, uplinks_, std::inserter(removed_, removed_.end()));
  std::erase_if(newest_, [&](const auto& known) { return !uplinks_.contains(known.first); });
  sweep();
}

void HealthReader::on_ready() {
  sweep();
}

void HealthReader::on_hint(std::string_view payload) {
  const Now now = scheduler_.now();
  if (!uplinks_.contains(std::string(payload))) {
    if (removed_.contains(std::string(payload)))
      return;  // healthd tells of its end, or has yet to learn of it
    complaints_.refuse(keys_.status_channel(), cat("no uplink is called '", printable(payload), "'"),
                       now.mono);
    return;
  }
  due_.emplace(payload);
  if (!noticed_) noticed_ = now;
  if (std::exchange(is_hinted_, true)) return;
  scheduler_.post([this] {  // with those that came with this one: what fails together moves together
    is_hinted_ = false;
    read();
  });
}

void HealthReader::sweep() {
  sweep_timer_ = scheduler_.after(kSweep, [this] { sweep(); });
  due_ = uplinks_;
  read();
}

void HealthReader::read() {
  if (reading_ || due_.empty() || !store_.is_ready()) return;
  reading_ = true;
  const auto due = std::exchange(due_, {});
  const std::vector<std::string> names(due.begin(), due.end());
  store_.run(health_commands(names, keys_),
             [this, names, noticed = std::exchange(noticed_, {})](const Result<std::vector<Reply>>& replies) {
               on_replies(names, noticed, replies);
             });
}

bool HealthReader::is_current(const std::string& name, const HealthRecord& record, MonoTime now) {
  const auto age = newest_[name].judge(boot_, record.boot, record.written, now);
  const auto key = keys_.health(name);
  if (age == NewestWord::Age::from_the_future) {
    ages_.refuse(key, kFromTheFuture, now);
  } else {
    ages_.accept(key);
  }
  return age == NewestWord::Age::current;
}

void HealthReader::on_replies(const std::vector<std::string>& names, const std::optional<Now>& noticed,
                              const Result<std::vector<Reply>>& replies) {
  reading_ = false;
  if (!replies) return;  // the next sweep, or on_ready(), reads again
  const Now now = scheduler_.now();
  auto records = understand_health(names, *replies, keys_, complaints_, now.mono);
  std::erase_if(records,
                [&](const auto& record) { return !is_current(record.first, record.second, now.mono); });
  heard_(records, noticed.value_or(now));
  read();
}

}  // namespace multilink
