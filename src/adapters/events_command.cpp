// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/events_command.hpp"

#include <signal.h>

#include <utility>
#include <vector>

#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/core/event_text.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/event_follower.hpp"
#include "multilink/services/status_replies.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

/// multilinkctl events --follow.
class Follower {
 public:
  Follower(const EventsRequest& request, const StatusSource& source, unsigned count,
           const EventsOutput& output)
      : request_(request),
        source_(source),
        output_(output),
        store_(loop_, log_, source.redis, source.login),
        follower_(loop_, store_, source.site, count,
                  {[this](const std::vector<EventRecord>& events) { show(events); },
                   [this](const Error& error) { say_lost(error.message); }, [this] { say_back(); }}) {}

  tl::expected<void, CommandFailure> run(Duration deadline) {
    loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { loop_.stop(); });
    const auto late = loop_.after(deadline, [this] {
      if (!was_ready_) say_lost("there is no answer yet");
    });
    follower_.start();
    loop_.run();
    if (!is_read_) return refuse(kExitFailure, "cannot write to standard output");
    return {};
  }

 private:
  void show(const std::vector<EventRecord>& events) {
    for (const auto& event : events) {
      is_read_ =
          is_read_ && output_.print(request_.json ? render_event_json(event) : render_event_text(event));
    }
    if (!is_read_) loop_.stop();
  }
  void say_lost(std::string_view why) {
    if (!is_lost_) output_.complain(cat(source_.redis.to_string(), ": ", why, "; waiting for it"));
    is_lost_ = true;
  }
  void say_back() {
    if (is_lost_) output_.complain(cat(source_.redis.to_string(), ": is there", was_ready_ ? " again" : ""));
    is_lost_ = false;
    was_ready_ = true;
  }

  const EventsRequest& request_;
  const StatusSource& source_;
  const EventsOutput& output_;
  QuietLog log_;
  EventLoop loop_;
  RedisStore store_;
  bool is_lost_ = false;
  bool was_ready_ = false;
  bool is_read_ = true;
  EventFollower follower_;
};

tl::expected<void, CommandFailure> show_last(const EventsRequest& request, const StatusSource& source,
                                             unsigned count, Duration deadline, const EventsOutput& output) {
  const auto key = RedisKeys(source.site).events();
  const auto replies = run_on_redis(source, {{"XREVRANGE", key, "+", "-", "COUNT", cat(count)}}, deadline);
  if (!replies) return refuse(kExitFailure, cat(source.redis.to_string(), ": ", replies.error().message));
  const auto* entries = std::get_if<Reply::Array>(&replies->front().value);
  if (entries == nullptr) {
    return refuse(kExitFailure, cat(source.redis.to_string(), ": ", key, ": ",
                                    as_string(replies->front()).error().message));
  }
  std::size_t refused = 0;
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
    const auto event = decode_event(*entry);
    if (!event) ++refused;
    if (!event) continue;
    if (!output.print(request.json ? render_event_json(*event) : render_event_text(*event)))
      return refuse(kExitFailure, "cannot write to standard output");
  }
  if (entries->empty() && !request.json) output.print("no events yet\n");
  if (refused > 0) output.complain(cat(key, ": ", refused, " of its entries are no events, and left out"));
  return {};
}

}  // namespace

tl::expected<void, CommandFailure> run_events(const EventsRequest& request, Duration deadline,
                                              const EventsOutput& output) {
  const auto count =
      request.count.empty() ? std::optional(kEventsByDefault) : parse_number<unsigned>(request.count);
  const unsigned least = request.follow ? 0 : 1;
  if (!count || *count < least || *count > kMostEvents) {
    return refuse(kExitUsage, cat("--count: ", quoted(request.count), " is not a whole number from ", least,
                                  " to ", kMostEvents));
  }
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  if (request.follow) return Follower(request, *source, *count, output).run(deadline);
  return show_last(request, *source, *count, deadline, output);
}

}  // namespace multilink
