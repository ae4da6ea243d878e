// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/status_command.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/adapters/terminal.hpp"
#include "multilink/core/status_json.hpp"
#include "multilink/core/status_summary.hpp"
#include "multilink/core/status_text.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/status_reader.hpp"

namespace multilink {
namespace {

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

std::string render(const StatusRequest& request, const StatusSnapshot& snapshot) {
  if (request.json) return render_status_json(snapshot);
  const bool in_colour = !request.no_colour && shows_colours();
  return render_status_text(snapshot, in_colour ? StatusPaint::colour : StatusPaint::none);
}

constexpr std::size_t kMostOfAReason = 512;

int plugin_status(StatusLevel level) {
  switch (level) {
    case StatusLevel::ok:
      return 0;
    case StatusLevel::attention:
      return 1;
    case StatusLevel::failed:
      return 2;
    case StatusLevel::unknown:
      break;
  }
  return 3;
}

std::string unreadable(const StatusSource& source, const Error& error) {
  return cat(source.redis.to_string(), ": ", error.message,
             "; the kernel keeps the routes in force: see ip route");
}

tl::expected<Duration, CommandFailure> interval_of(const StatusRequest& request) {
  constexpr double kLeast = 0.2, kMost = 3600;
  if (request.seconds.empty()) return kWatchEvery;
  const auto seconds = parse_decimal(request.seconds);
  if (seconds && *seconds >= kLeast && *seconds <= kMost)
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
  return refuse(kExitUsage, cat("--watch: ", quoted(request.seconds),
                                " is not a number of seconds from 0.2 to 3600; write for example --watch 5"));
}

class Watch {
 public:
  Watch(const StatusRequest& request, const StatusSource& source, Duration every, Duration deadline)
      : request_(request), source_(source), every_(every), deadline_(deadline) {}

  tl::expected<void, CommandFailure> run() {
    if (isatty(STDOUT_FILENO) == 1) screen_ = std::make_unique<LiveScreen>();
    loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { loop_.stop(); });
    if (screen_) loop_.on_signals({SIGTSTP, SIGWINCH}, [this](int signal) { on_signal(signal); });
    read();
    loop_.run();
    screen_.reset();
    if (!is_seen_) return refuse(kExitFailure, "cannot write to standard output");
    return {};
  }

 private:
  void on_signal(int signal) {
    if (signal == SIGTSTP) {
      screen_->leave();
      raise(SIGSTOP);  // returns when the shell lets it go on
      screen_->enter();
    }
    show();
  }

  void read() {
    reader_.reset();
    store_ = std::make_unique<RedisStore>(loop_, log_, source_.redis, source_.login);
    reader_ = std::make_unique<StatusReader>(loop_, *store_, source_.site);
    reader_->start(deadline_, [this](Result<StatusSnapshot> snapshot) {
      if (snapshot) source_.complete(*snapshot);
      text_ = snapshot ? render(request_, *snapshot)
                       : cat("unknown: ", unreadable(source_, snapshot.error()), '\n');
      show();
      timer_ = loop_.after(every_, [this] { read(); });
    });
  }

  void show() {
    if (screen_) {
      is_seen_ = screen_->show(cat(text_, "\nRead at ", format_utc(loop_.now().wall), "; Ctrl-C ends\n"));
    } else {
      const auto text = text_ + (request_.json ? "" : "\n");
      is_seen_ = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    }
    if (!is_seen_) loop_.stop();
  }

  const StatusRequest& request_;
  const StatusSource& source_;
  Duration every_;
  Duration deadline_;
  QuietLog log_;
  EventLoop loop_;
  std::unique_ptr<LiveScreen> screen_;
  std::unique_ptr<RedisStore> store_;
  std::unique_ptr<StatusReader> reader_;
  std::unique_ptr<Timer> timer_;
  std::string text_;
  bool is_seen_ = true;
};

}  // namespace

tl::expected<std::string, CommandFailure> show_status(const StatusRequest& request, Duration deadline) {
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  const auto snapshot = read_status(*source, deadline);
  if (!snapshot) return refuse(kExitFailure, unreadable(*source, snapshot.error()));
  return render(request, *snapshot);
}

StatusCheck check_status(const StatusRequest& request, Duration deadline) {
  const auto unknown = [](const std::string& why) {
    return StatusCheck{cat("unknown: ", printable(why, kMostOfAReason), '\n'),
                       plugin_status(StatusLevel::unknown)};
  };
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return unknown(join(source.error(), "; "));
  const auto snapshot = read_status(*source, deadline);
  if (!snapshot) return unknown(unreadable(*source, snapshot.error()));
  const auto summary = summarize(*snapshot);
  std::string text = render_headline(summary);
  if (const auto& all = summary.findings; !all.empty()) {
    text.pop_back();
    text += cat(" (", printable(all.front(), kMostOfAReason),
                all.size() > 1 ? cat("; and ", all.size() - 1, " more") : "", ")\n");
  }
  return {std::move(text), plugin_status(summary.level)};
}

tl::expected<void, CommandFailure> watch_status(const StatusRequest& request, Duration deadline) {
  const auto every = interval_of(request);
  if (!every) return tl::unexpected(every.error());
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  return Watch(request, *source, *every, deadline).run();
}

}  // namespace multilink
