// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/health_service.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostNamed = 8;         // uplinks in the line for the service manager
constexpr std::size_t kMostDeletions = 1000;  // commands for uplinks that are listed and not configured

Error failure_in(const std::vector<Reply>& replies) {
  for (const auto& reply : replies) {
    if (const auto* failure = std::get_if<Reply::Failure>(&reply.value))
      return {printable(failure->message), 0};
  }
  return {};
}

}  // namespace

HealthService::HealthService(const Parts& parts, const Config& config, std::string boot, DaemonRecord self)
    : parts_(parts),
      config_(config),
      keys_(config.suite.site),
      boot_(std::move(boot)),
      heartbeat_(parts.scheduler, parts.store, keys_.daemon("healthd"), std::move(self)),
      complaints_(parts.log),
      events_(parts.store, keys_, complaints_),
      history_(parts.store, keys_, complaints_, uplinks_) {}

void HealthService::start() {
  configure();
  heartbeat_.start(config_);
  parts_.supervisor.ready();
  tell_supervisor();
  schedule_sweep();
  parts_.store.start(
      {keys_.probe_channel(), keys_.admin_channel()},
      {[this] { on_ready(); }, [this](const Error&) { on_lost(); },
       [this](std::string_view channel, std::string_view payload) { on_hint(channel, payload); }});
}

void HealthService::reload(const Config& config) {
  config_ = config;
  configure();
  heartbeat_.set_config(config_);
  if (!parts_.store.is_ready()) return;
  for (const auto& [name, uplink] : uplinks_) write(name, true);
  write_list(parts_.scheduler.now());
  read_next();
}

void HealthService::stop() {
  timer_.reset();
  history_.finish();
  heartbeat_.stop();
}

void HealthService::configure() {
  const Now now = look_at_clocks();
  const auto is_gone = [this](const std::string& name) { return config_.uplink_named(name) == nullptr; };
  std::erase_if(uplinks_, [&](const auto& entry) { return is_gone(entry.first); });
  for (auto* names : {&wanted_, &wanted_closely_}) std::erase_if(*names, is_gone);
  for (const auto& uplink : config_.uplinks) {
    const auto [entry, is_new] = uplinks_.try_emplace(uplink.name, uplink, boot_, keys_, complaints_, now);
    if (is_new) {
      wanted_closely_.insert(uplink.name);
    } else {
      entry->second.configure(uplink, now);
    }
  }
}

/// Every reading of the time goes through here, so that a step of the wall clock is seen.
Now HealthService::look_at_clocks() {
  const Now now = parts_.scheduler.now();
  scores_.note(now);
  return now;
}

void HealthService::schedule_sweep() {
  timer_ = parts_.scheduler.after(kSweep, [this] {
    schedule_sweep();
    sweep();
  });
}

void HealthService::sweep() {
  const Now now = look_at_clocks();
  if (!parts_.store.is_ready()) return;
  const bool closely = ++sweeps_ % kClosely == 0;
  for (const auto& [name, uplink] : uplinks_) {
    write(name, true);
    const bool is_fresh = uplink.read_at() && now.mono - *uplink.read_at() < kSweep;
    if (closely) {
      wanted_closely_.insert(name);
    } else if (!is_fresh && uplink.is_known()) {
      wanted_.insert(name);
    }
  }
  read_next();
  history_.sweep(now.mono);  // behind what decides
}

void HealthService::on_ready() {
  const Now now = look_at_clocks();
  ++connection_;
  is_reading_ = false;
  history_.begin_anew();
  wanted_.clear();
  for (auto& [name, uplink] : uplinks_) {
    uplink.excuse_silence(now);
    wanted_closely_.insert(name);
  }
  heartbeat_.beat();
  read_next();
}

void HealthService::on_lost() {
  ++connection_;
  is_reading_ = false;
  tell_supervisor();
}

void HealthService::on_hint(std::string_view channel, std::string_view name) {
  const auto uplink = uplinks_.find(name);
  if (uplink == uplinks_.end() || !uplink->second.is_known()) return;
  (channel == keys_.admin_channel() ? wanted_closely_ : wanted_).emplace(name);
  if (std::exchange(is_hinted_, true)) return;
  parts_.scheduler.post([this] {  // with those of the other uplinks that came with this one
    is_hinted_ = false;
    read_next();
  });
}

void HealthService::read_next() {
  if (is_reading_ || !parts_.store.is_ready()) return;
  const Now now = look_at_clocks();
  // In turns, when there is both: neither may keep the other waiting for long.
  const bool closely = wanted_.empty() || (!wanted_closely_.empty() && !was_close_);
  was_close_ = closely;
  Read read{closely, connection_, {}};
  auto& wanted = read.closely ? wanted_closely_ : wanted_;
  const auto most = read.closely ? kMostClosely : kMostHinted;

  Commands commands{{"HGETALL", keys_.daemon("pingd")}};
  if (read.closely) {
    commands.push_back({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"});
    commands.push_back(events_.look());
  }
  while (!wanted.empty() && read.questions.size() < most) {
    auto name = std::move(wanted.extract(wanted.begin()).value());
    const auto& uplink = uplinks_.at(name);
    read.questions.emplace_back(std::move(name), uplink.ask(read.closely, scores_, now, commands));
  }
  if (read.questions.empty()) return;
  is_reading_ = true;
  parts_.store.run(
      std::move(commands),
      [this, read = std::move(read)](const Result<std::vector<Reply>>& replies) { on_read(read, replies); });
}

void HealthService::on_read(const Read& read, const Result<std::vector<Reply>>& replies) {
  if (read.connection != connection_) return;
  is_reading_ = false;
  if (!replies) return;  // the connection is about to be lost; else the next sweep reads again
  const Now now = look_at_clocks();
  std::span<const Reply> rest(*replies);
  take_pingd(rest.front(), now);
  rest = rest.subspan(1);
  if (read.closely) {
    take_list(rest[0], now);
    events_.take(rest[1], now.mono);
    rest = rest.subspan(2);
  }
  for (const auto& [name, question] : read.questions) {
    const auto own = rest.first(question.replies());
    rest = rest.subspan(question.replies());
    const auto uplink = uplinks_.find(name);
    if (uplink == uplinks_.end()) continue;
    uplink->second.take(question, own, pingd_lives_, now);
    write(name, false);
  }
  tell_supervisor();
  read_next();
}

void HealthService::take_pingd(const Reply& reply, const Now& now) {
  const auto key = keys_.daemon("pingd");
  const auto fields = as_fields(reply);
  pingd_lives_ = false;
  if (fields && fields->empty()) return;
  const auto record = fields.and_then([](const Fields& all) { return DaemonRecord::decode(all); });
  if (!record) return complaints_.refuse(key, record.error().message, now.mono);
  complaints_.accept(key);
  pingd_lives_ = true;
}

void HealthService::take_list(const Reply& reply, const Now& now) {
  const auto scored = as_scored(reply);
  listed_ = scored ? std::map(scored->begin(), scored->end()) : std::map<std::string, double>{};
  if (!scored) complaints_.refuse(keys_.uplinks(), scored.error().message, now.mono);
  write_list(now);
}

void HealthService::write(const std::string& name, bool with_figures) {
  auto batch = uplinks_.at(name).write(with_figures, parts_.scheduler.now().mono);
  if (batch.commands.empty()) return;
  auto fresh = std::exchange(batch.fresh, {});
  auto commands = batch.commands;
  const auto done = [this, name, batch = std::move(batch)](const Result<std::vector<Reply>>& replies) {
    if (replies) delete_spoilt_keys(parts_.store, batch.commands, *replies);
    const auto uplink = uplinks_.find(name);
    if (uplink != uplinks_.end()) uplink->second.written(batch, replies, parts_.scheduler.now());
  };
  parts_.store.run(std::move(commands), done);
  tell_log(std::move(fresh));
}

/// When all else of this turn is done and sent: routed waits for it, the log's reader does not.
void HealthService::tell_log(std::vector<EventRecord> events) {
  if (events.empty()) return;
  parts_.scheduler.post([&log = parts_.log, events = std::move(events)] {
    for (const auto& event : events) {
      const auto family = event.family ? cat(" IPv", to_string(*event.family)) : "";
      log.transition(cat(event.uplink, family, ": ", event.from, " -> ", event.to, ": ", event.reason),
                     event);
    }
  });
}

/// Makes the key `uplinks` hold the uplinks of the configuration, and takes away what was published of others.
void HealthService::write_list(const Now& now) {
  std::map<std::string, double> wanted;
  for (const auto& uplink : config_.uplinks) wanted[uplink.name] = uplink.precedence;
  if (!listed_ || *listed_ == wanted) return;
  // Whole and in one step, however much somebody else has put there.
  Store::Command addition{"ZADD", keys_.uplinks()};
  for (const auto& [name, precedence] : wanted) {
    addition.push_back(cat(static_cast<unsigned>(precedence)));
    addition.push_back(name);
  }
  Commands commands{{"MULTI"}, {"DEL", keys_.uplinks()}, std::move(addition), {"EXEC"}};
  for (const auto& [name, precedence] : *listed_) {
    if (wanted.contains(name) || !is_name(name)) continue;
    if (commands.size() > kMostDeletions) break;
    PublishedHealth(keys_, name).append_deletes(commands);
    commands.push_back({"PUBLISH", keys_.status_channel(), name});
  }
  listed_ = std::move(wanted);
  parts_.store.run(std::move(commands), [this, now](const Result<std::vector<Reply>>& replies) {
    if (const auto error = replies ? failure_in(*replies) : Error{}; !error.message.empty()) {
      complaints_.refuse(keys_.uplinks(), error.message, now.mono);
    }
  });
}

void HealthService::tell_supervisor() {
  std::vector<std::string> states;
  for (const auto& [name, uplink] : uplinks_) {
    if (states.size() < kMostNamed) states.push_back(cat(name, is_up(uplink.record()) ? " up" : " not up"));
  }
  if (uplinks_.size() > kMostNamed) states.push_back(cat("and ", uplinks_.size() - kMostNamed, " more"));
  auto text = parts_.store.is_ready() ? join(states, ", ") : "waiting for Redis";
  if (text == told_) return;
  told_ = std::move(text);
  parts_.supervisor.status(told_);
}

}  // namespace multilink
