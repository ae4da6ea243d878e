// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/drill_command.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "multilink/adapters/admin_session.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/core/admin_replies.hpp"
#include "multilink/core/drill.hpp"
#include "multilink/core/drill_report.hpp"
#include "multilink/core/quantity.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/status_replies.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

constexpr Duration kDeadline = std::chrono::seconds(3);
constexpr Duration kPoll = std::chrono::milliseconds(200);
/// The clean time of the configuration, and what flap damping may ask for beyond it.
constexpr Duration kLongestReturn = std::chrono::minutes(6);

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

bool waits_at_return(const std::string& config) {
  const auto parsed = load_config_file(config);
  return parsed.config && std::ranges::any_of(parsed.config->uplinks, [](const UplinkConfig& uplink) {
           return uplink.failback == Failback::manual;
         });
}

class Drill {
 public:
  Drill(DrillRecord asked, StatusSource source)
      : asked_(std::move(asked)), keys_(source.site), session_(std::move(source)) {}

  tl::expected<DrillResult, CommandFailure> run(const AdminRequest& request, bool json) {
    if (auto done = look_before(request); !done) return tl::unexpected(done.error());
    if (auto done = ask(); !done) return refuse(kExitFailure, done.error().message);
    auto report = await_answer();
    if (!report) {
      take_back();
      if (session_.is_interrupted())
        return refuse(kExitCutShort, "drill: interrupted before routed had answered; it is taken back");
      return refuse(kExitFailure, report.error().message);
    }
    if (report->refused.empty()) report = await_return(*std::move(report));
    take_back();
    DrillResult result{json ? render_drill_json(*report) : render_drill_text(*report), kExitOk};
    if (!report->refused.empty()) {
      result.status = kExitRefused;
    } else if (!report->cut_short.empty()) {
      result.status = kExitCutShort;
    } else if (!report->failed_over() || !report->came_back()) {
      result.status = kExitNoFailover;
    }
    return result;
  }

 private:
  tl::expected<void, CommandFailure> look_before(const AdminRequest& request) {
    const auto health = session_.read_health(keys_, kDeadline);
    if (!health) return refuse(kExitFailure, health.error().message);
    if (const auto known = check_name(asked_.uplink, *health); !known)
      return refuse(kExitUsage, cat("drill: ", known.error().message));
    const auto replies = session_.run({{"HGETALL", keys_.routing()}, {"HGETALL", keys_.drill()}}, kDeadline);
    if (!replies) return refuse(kExitFailure, replies.error().message);
    const auto routing =
        as_fields(replies->front()).and_then([](const Fields& all) { return RoutingRecord::decode(all); });
    if (const auto other = read_drill(replies->back());
        other && other->boot == asked_.boot && session_.now().mono < other->end()) {
      return refuse(kExitRefused,
                    cat("drill: that of ", printable(other->uplink),
                        " is still on; wait for its end, or end it where it was begun, by Ctrl-C"));
    }
    before_.uplink = asked_.uplink;
    before_.waits_at_return = waits_at_return(request.config);
    for (const auto& [family, said] : health->at(asked_.uplink).families) {
      if (said.state == HealthState::up) before_.up.insert(family);
      if (!routing || !routing->families.contains(family)) continue;
      for (const auto& active : routing->families.at(family).active) {
        if (active.uplink == asked_.uplink) before_.carried.insert(family);
      }
    }
    return {};
  }

  Result<void> ask() {
    const Now now = session_.now();
    asked_.asked = now.mono;
    asked_.id = EventRecord::make_id(asked_.boot, now.mono);
    asked_at_ = now.wall;
    std::vector<Store::Command> commands;
    append_hash_replace(commands, keys_.drill(), asked_.encode());
    const auto life =
        std::chrono::duration_cast<std::chrono::milliseconds>(asked_.length + std::chrono::minutes(1));
    commands.push_back({"PEXPIRE", keys_.drill(), cat(life.count())});
    commands.push_back({"PUBLISH", keys_.admin_channel(), asked_.uplink});
    const auto replies = session_.run(commands, kDeadline);
    if (!replies) return tl::unexpected<Error>(replies.error());
    for (const auto& reply : *replies) {
      if (const auto* refusal = refusal_in(reply)) return fail(refused_by_redis(*refusal));
    }
    return {};
  }

  static Result<DrillRecord> read_drill(const Reply& reply) {
    return as_fields(reply).and_then([](const Fields& all) { return DrillRecord::decode(all); });
  }

  /// Whoever may not, or need not, loses nothing by it: the kernel ends the drill in any case. Another one's request stays.
  void take_back() {
    if (std::exchange(is_taken_back_, true)) return;
    const auto there = session_.run({{"HGETALL", keys_.drill()}}, kDeadline);
    if (!there) return;
    if (const auto drill = read_drill(there->front()); drill && drill->id != asked_.id) return;
    (void)session_.run({{"DEL", keys_.drill()}, {"PUBLISH", keys_.admin_channel(), asked_.uplink}},
                       kDeadline);
  }

  Result<DrillReport> read() {
    constexpr Duration kMargin = std::chrono::seconds(1);  // Redis' clock is not ours
    const auto since = asked_at_ - std::chrono::duration_cast<std::chrono::milliseconds>(kMargin);
    const auto replies =
        session_.run({{"XREVRANGE", keys_.events(), "+", cat(since.time_since_epoch().count())}}, kDeadline);
    if (!replies) return tl::unexpected<Error>(replies.error());
    std::vector<EventRecord> events;
    const auto* entries = std::get_if<Reply::Array>(&replies->front().value);
    if (entries == nullptr) return fail(cat(keys_.events(), ": is no stream"));
    for (const auto& entry : *entries) {
      if (auto event = decode_event(entry)) events.push_back(*std::move(event));
    }
    return make_drill_report(before_, asked_.id, events);
  }

  Result<DrillReport> await_answer() {
    while (session_.now().mono < asked_.asked + kDeadline && !session_.is_interrupted()) {
      auto report = read();
      if (!report || report->begun || !report->refused.empty()) return report;
      session_.pause(kPoll / 4);
    }
    return fail("routed has not answered: does it run ('multilinkctl status')? The request is taken back");
  }

  /// What cannot be read just now is read again.
  DrillReport await_return(DrillReport report) {
    std::fputs(cat("multilinkctl: ", asked_.uplink, " is a black hole for ", format_duration(asked_.length),
                   "; Ctrl-C ends it\n")
                   .c_str(),
               stderr);
    MonoTime last = asked_.end() + kLongestReturn;
    while (session_.now().mono < last && !(report.ended && report.came_back())) {
      const bool was_over = is_taken_back_;
      session_.pause(kPoll);
      // What others have done to the uplink may keep it away for ever.
      if (!was_over && (session_.is_interrupted() || !report.cut_short.empty())) {
        take_back();
        last = session_.now().mono + std::chrono::seconds(1);  // the report is of what is known
      }
      if (was_over && session_.now().mono >= last) break;
      if (auto next = read()) report = *std::move(next);
    }
    return report;
  }

  DrillRecord asked_;
  RedisKeys keys_;
  AdminSession session_;
  DrillBefore before_;
  WallTime asked_at_{};
  bool is_taken_back_ = false;
};

}  // namespace

tl::expected<DrillResult, CommandFailure> run_drill(const AdminRequest& request, bool json) {
  if (request.length.empty())
    return refuse(kExitUsage, "drill: --for is missing; write for example --for 30s");
  const auto length = parse_duration(request.length);
  if (!length || *length < DrillRecord::kShortest || *length > DrillRecord::kLongest) {
    return refuse(kExitUsage, cat("drill: --for: ", quoted(request.length),
                                  " is not a time from 1s to 10min; write for example --for 30s"));
  }
  auto source = find_status_source(request.config, request.redis, kAdminLoginPath);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  auto boot = read_boot_id();
  if (!boot) return refuse(kExitFailure, boot.error().message);
  DrillRecord asked;
  asked.uplink = request.uplink;
  asked.boot = *std::move(boot);
  asked.length = *length;
  asked.force = request.force;
  asked.by = calling_user();
  return Drill(std::move(asked), *std::move(source)).run(request, json);
}

}  // namespace multilink
