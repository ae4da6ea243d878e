// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/proxy_reporter.hpp"

#include <utility>

#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

ProxyReporter::ProxyReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys,
                             std::function<Records()> now)
    : scheduler_(scheduler), store_(store), keys_(std::move(keys)), complaints_(log), now_(std::move(now)) {}

void ProxyReporter::start() {
  timer_ = scheduler_.after(kPeriod, [this] {
    start();
    write();
  });
}

void ProxyReporter::on_ready() {
  written_.clear();
  write();
}

void ProxyReporter::write() {
  if (!store_.is_ready()) return;
  const auto records = now_();
  const MonoTime now = scheduler_.now().mono;
  if (records == written_ && now < refresh_due_) return;
  refresh_due_ = now + kRefresh;
  constexpr auto kMilliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(kTimeToLive).count();
  std::vector<Store::Command> commands;
  for (const auto& [uplink, record] : records) {
    const auto key = keys_.proxy(uplink);
    append_hash_replace(commands, key, record.encode());
    commands.push_back({"PEXPIRE", key, cat(kMilliseconds)});
  }
  written_ = records;
  store_.run(commands, [this, commands](const Result<std::vector<Reply>>& replies) {
    if (!replies) return written_.clear();
    for (std::size_t i = 0; i < replies->size() && i < commands.size(); ++i) {
      const auto* refusal = refusal_in((*replies)[i]);
      if (refusal == nullptr) continue;
      written_.clear();
      complaints_.refuse(subject_of(commands[i]), *refusal, scheduler_.now().mono);
    }
  });
}

}  // namespace multilink
