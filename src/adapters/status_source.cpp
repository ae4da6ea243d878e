// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/status_source.hpp"

#include <cerrno>
#include <memory>
#include <utility>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/last_complaint.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/status_reader.hpp"

namespace multilink {

namespace {

std::vector<std::string> lines_of(const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const auto& problem : problems) lines.push_back(problem.to_string());
  return lines;
}

/// A password of ours is not shown to a Redis that somebody names on the command line.
Result<std::optional<RedisLogin>> find_login(bool is_configured_redis, const std::string& path) {
  auto login = read_redis_login();
  if (!login || *login || !is_configured_redis) return login;
  auto reader = read_redis_login(path);
  if (reader || reader.error().code != EACCES) return reader;
  return fail(cat(reader.error().message,
                  path == kReaderLoginPath ? "; be root or a member of the group multilink" : "; be root"),
              EACCES);
}

}  // namespace

tl::expected<StatusSource, std::vector<std::string>> find_status_source(
    const std::string& config_path, const std::optional<RedisAddress>& redis, const std::string& login_path) {
  const ParsedConfig parsed = load_config_file(config_path);
  if (!redis && !parsed.records) return tl::unexpected(lines_of(parsed.errors));
  const SuiteConfig defaults;
  const auto place = parsed.records.value_or(RecordsPlace{defaults.redis, defaults.site});
  const auto login = find_login(!redis, login_path);
  if (!login) return tl::unexpected(std::vector{login.error().message});
  return StatusSource{redis.value_or(place.redis), place.site, *login,
                      redis ? std::vector<std::string>{} : lines_of(parsed.errors),
                      parsed.config && parsed.config->notify.has_receiver()};
}

void StatusSource::complete(StatusSnapshot& snapshot) const {
  snapshot.config_problems = config_problems;
  if (!has_receiver) leave_out_idle_notifier(snapshot);
}

namespace {

/// Lets `start` begin a reading of Redis and gives its result. Where Redis did not answer, the Error says why.
template <class T, class Start>
Result<T> read_from(const StatusSource& source, Start start) {
  EventLoop loop;
  LastComplaint complaint;
  RedisStore store(loop, complaint, source.redis, source.login);
  Result<T> result = fail("not read");
  const auto reader = start(loop, store, [&](Result<T> read) {
    result = std::move(read);
    loop.stop();
  });
  loop.run();
  if (result || complaint.text().empty()) return result;
  return fail(cat(result.error().message, ": ", complaint.text()));
}

}  // namespace

Result<StatusSnapshot> read_status(const StatusSource& source, Duration deadline,
                                   std::optional<ChartRange> range) {
  auto snapshot = read_from<StatusSnapshot>(source, [&](EventLoop& loop, RedisStore& store, auto done) {
    auto reader = std::make_unique<StatusReader>(loop, store, source.site, range);
    reader->start(deadline, done);
    return reader;
  });
  if (snapshot) source.complete(*snapshot);
  return snapshot;
}

Result<std::vector<Reply>> run_on_redis(const StatusSource& source, std::vector<Store::Command> commands,
                                        Duration deadline) {
  return try_on_redis(source, std::move(commands), deadline).map_error([](const Error& error) {
    return Error{cat(error.message, kNoAnswerRemedy), error.code};
  });
}

Result<std::vector<Reply>> try_on_redis(const StatusSource& source, std::vector<Store::Command> commands,
                                        Duration deadline) {
  return read_from<std::vector<Reply>>(source, [&](EventLoop& loop, RedisStore& store, auto done) {
    Store::Events events;
    events.on_ready = [&store, commands = std::move(commands), done] {
      store.run(commands, [done](Result<std::vector<Reply>> replies) {
        if (replies) done(std::move(replies));  // else on_ready comes again, or the deadline
      });
    };
    events.on_lost = [](const Error&) {};
    events.on_message = [](std::string_view, std::string_view) {};
    store.start({}, std::move(events));
    return loop.after(deadline, [deadline, done] {
      done(fail(cat("Redis gave no answer within ", format_milliseconds(deadline, 0))));
    });
  });
}

}  // namespace multilink
