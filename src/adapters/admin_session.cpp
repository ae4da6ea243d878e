// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/admin_session.hpp"

#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/last_complaint.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/complaints.hpp"
#include "multilink/services/health_reader.hpp"

namespace multilink {

std::string refused_by_redis(std::string_view refusal) {
  if (!refusal.starts_with("OOM")) return cat("Redis refuses it: ", printable(refusal));
  if (refusal.ends_with('.')) refusal.remove_suffix(1);
  return cat("Redis refuses it: ", printable(refusal),
             "; raise maxmemory in /etc/multilink/redis.conf, then systemctl restart multilink-redis");
}

struct AdminSession::Impl {
  explicit Impl(StatusSource from)
      : source(std::move(from)), store(loop, complaint, source.redis, source.login) {
    loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) {
      interrupted = true;
      if (pausing) loop.stop();
    });
    Store::Events events;
    events.on_ready = [this] {
      if (on_ready) std::exchange(on_ready, {})();
    };
    events.on_lost = [](const Error&) {};
    events.on_message = [](std::string_view, std::string_view) {};
    store.start({}, std::move(events));
  }

  StatusSource source;
  EventLoop loop;
  LastComplaint complaint;
  RedisStore store;
  std::function<void()> on_ready;
  bool pausing = false;
  bool interrupted = false;
};

AdminSession::AdminSession(StatusSource source) : impl_(std::make_unique<Impl>(std::move(source))) {}

AdminSession::~AdminSession() = default;

Result<std::vector<Reply>> AdminSession::run(const std::vector<Store::Command>& commands, Duration deadline) {
  auto& own = *impl_;
  Result<std::vector<Reply>> result =
      fail(cat("Redis gave no answer within ", format_milliseconds(deadline, 0)));
  const auto alive = std::make_shared<bool>(true);
  const auto ask = [&own, &result, commands, alive] {
    own.store.run(commands, [&own, &result, alive](Result<std::vector<Reply>> replies) {
      if (!*alive) return;
      result = std::move(replies);
      own.loop.stop();
    });
  };
  own.store.is_ready() ? ask() : void(own.on_ready = ask);
  const auto timer = own.loop.after(deadline, [&own] { own.loop.stop(); });
  own.loop.run();
  *alive = false;
  own.on_ready = {};
  if (result) return result;
  const auto why = own.complaint.text().empty() ? "" : cat(": ", own.complaint.text());
  return fail(cat(own.source.redis.to_string(), ": ", result.error().message, why, kNoAnswerRemedy));
}

Result<std::map<std::string, HealthRecord>> AdminSession::read_health(const RedisKeys& keys,
                                                                      Duration deadline) {
  const auto listed = run({{"ZRANGE", keys.uplinks(), "0", "-1", "WITHSCORES"}}, deadline);
  if (!listed) return tl::unexpected<Error>(listed.error());
  const auto scored = as_scored(listed->front());
  if (!scored) return fail(cat(keys.uplinks(), ": ", scored.error().message));
  std::vector<std::string> names;
  for (const auto& [name, precedence] : *scored) {
    if (is_name(name)) names.push_back(name);
  }
  if (names.empty()) return std::map<std::string, HealthRecord>{};
  const auto replies = run(health_commands(names, keys), deadline);
  if (!replies) return tl::unexpected<Error>(replies.error());
  Complaints complaints(impl_->complaint);
  return understand_health(names, *replies, keys, complaints, now().mono);
}

void AdminSession::pause(Duration length) {
  auto& own = *impl_;
  if (own.interrupted) return;
  own.pausing = true;
  const auto timer = own.loop.after(length, [&own] { own.loop.stop(); });
  own.loop.run();
  own.pausing = false;
}

bool AdminSession::is_interrupted() const {
  return impl_->interrupted;
}

Now AdminSession::now() const {
  return impl_->loop.now();
}

}  // namespace multilink
