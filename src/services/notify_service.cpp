// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/notify_service.hpp"

#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {

NotifyService::NotifyService(const Parts& parts, NotifierFactory factory, const Config& config,
                             DaemonRecord self)
    : parts_(parts),
      factory_(std::move(factory)),
      config_(config),
      keys_(config.suite.site),
      heartbeat_(parts.scheduler, parts.store, keys_.daemon("notifyd"), std::move(self)) {}

void NotifyService::start() {
  configure();
  heartbeat_.start(config_);
  parts_.supervisor.ready();
  schedule_sweep();
  parts_.store.start({keys_.status_channel(), keys_.routing_channel()},
                     {[this] {
                        heartbeat_.beat();
                        look();
                      },
                      [this](const Error&) {
                        for (auto& [name, receiver] : receivers_) receiver.queue->on_lost();
                      },
                      [this](std::string_view, std::string_view) { look(); }});
}

void NotifyService::reload(const Config& config) {
  config_ = config;
  configure();
  heartbeat_.set_config(config_);
  look();
}

void NotifyService::stop() {
  timer_.reset();
  heartbeat_.stop();
}

void NotifyService::configure() {
  const auto& notify = config_.notify;
  keep("command", notify.command, [&] { return factory_.command(notify.command); });
  keep("webhook", notify.webhook, [&] { return factory_.webhook(notify.webhook); });
  keep("mail", join(notify.mail, ", "), [&] { return factory_.mail(notify.mail); });
  std::string names;
  for (auto& [name, receiver] : receivers_) {
    receiver.queue->set_wanted(notify.on);
    names += cat(names.empty() ? "" : ", ", name);
  }
  parts_.supervisor.status(names.empty() ? "nobody is to be told: [notify] names no receiver"
                                         : cat("tells ", names));
}

void NotifyService::keep(std::string_view name, const std::string& address,
                         const std::function<std::unique_ptr<Notifier>()>& make) {
  const auto found = receivers_.find(name);
  if (found != receivers_.end() && found->second.address == address) return;
  if (found != receivers_.end()) receivers_.erase(found);
  if (address.empty()) return;
  receivers_.emplace(
      name, Receiver{address, std::make_unique<AlertQueue>(parts_.scheduler, parts_.store, parts_.log, keys_,
                                                           std::string(name), make())});
}

void NotifyService::look() {
  for (auto& [name, receiver] : receivers_) receiver.queue->look();
}

void NotifyService::schedule_sweep() {
  timer_ = parts_.scheduler.after(kSweep, [this] {
    schedule_sweep();
    look();
  });
}

}  // namespace multilink
