// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>

#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/program_notifier.hpp"
#include "multilink/adapters/webhook_notifier.hpp"
#include "multilink/services/notify_service.hpp"

int main(int argc, char** argv) {
  using namespace multilink;
  DaemonSpec spec;
  spec.name = "notifyd";
  spec.summary = "tells a program, a web address or a mailbox what happens to the uplinks";
  spec.make = [](DaemonParts& parts) -> std::unique_ptr<Service> {
    auto& loop = parts.loop;
    const NotifierFactory factory{
        [&loop](const std::string& path) { return make_command_notifier(loop, path); },
        [&loop](const std::string& url) { return std::make_unique<WebhookNotifier>(loop, url); },
        [&loop](const std::vector<std::string>& addresses) { return make_mail_notifier(loop, addresses); }};
    return std::make_unique<NotifyService>(
        NotifyService::Parts{parts.loop, parts.store, parts.supervisor, parts.log}, factory, parts.config,
        parts.self);
  };
  return run_daemon(argc, argv, spec);
}
