// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/ports/notifier.hpp"

namespace multilink {

/// `webhook` of [notify]: POSTs the JSON to an http:// or https:// address by libcurl, on a thread of its own, since looking
/// up a name may block. An answer of 2xx: it has taken it. The alert's id goes along as Idempotency-Key. No
/// redirects are followed, certificates are checked, proxies of the environment are used.
class WebhookNotifier final : public Notifier {
 public:
  /// `loop` outlives this.
  WebhookNotifier(EventLoop& loop, std::string url);
  ~WebhookNotifier() override;

  void deliver(const Notification& notification, Done done) override;

 private:
  struct Work;

  EventLoop& loop_;
  std::string url_;
  std::shared_ptr<Work> work_;
};

}  // namespace multilink
