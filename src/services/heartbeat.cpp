// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/heartbeat.hpp"

#include <utility>

#include "multilink/core/config_hash.hpp"
#include "multilink/core/config_text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

namespace {

/// A larger one would make a record that readers refuse.
constexpr std::size_t kMostConfigText = 65536;

}  // namespace

Heartbeat::Heartbeat(Scheduler& scheduler, Store& store, std::string key, DaemonRecord self)
    : scheduler_(scheduler), store_(store), key_(std::move(key)), record_(std::move(self)) {}

void Heartbeat::start(const Config& config) {
  record_.started = scheduler_.now().wall;
  take(config);
  schedule();
}

void Heartbeat::set_config(const Config& config) {
  take(config);
  beat();
}

void Heartbeat::take(const Config& config) {
  record_.config_hash = config_hash(config);
  record_.notifies = config.notify.has_receiver();
  config_ = {{"notify_hash", notify_digest(config)}};
  if (auto text = config_text(config); text.size() <= kMostConfigText)
    config_.emplace("config", std::move(text));
}

void Heartbeat::beat() {
  if (!store_.is_ready()) return;
  auto record = record_.encode();
  record.insert(config_.begin(), config_.end());
  store_.run({{"MULTI"},
              {"DEL", key_},
              hash_write(key_, record),
              lives_for(kTimeToLive),
              {"EXEC"},
              lives_for(kTimeToLive)},
             [&store = store_, key = key_](const Result<std::vector<Reply>>& replies) {
               if (replies && is_full(*replies)) store.run({{"HDEL", key, "stores"}}, {});
             });
}

void Heartbeat::stop() {
  timer_.reset();
  if (store_.is_ready()) store_.run({lives_for(kAfterlife)}, {});
}

Store::Command Heartbeat::lives_for(Duration length) const {
  const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(length);
  return {"PEXPIRE", key_, std::to_string(life.count())};
}

void Heartbeat::schedule() {
  timer_ = scheduler_.after(kPeriod, [this] {
    beat();
    schedule();
  });
}

}  // namespace multilink
