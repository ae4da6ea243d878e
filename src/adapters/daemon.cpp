// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/daemon.hpp"

#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <iostream>
#include <optional>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/instance_lock.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/adapters/spdlog_log.hpp"
#include "multilink/adapters/start_failure.hpp"
#include "multilink/adapters/systemd_supervisor.hpp"
#include "multilink/adapters/version.hpp"
#include "multilink/core/config_report.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

struct Options {
  std::string config_path{kDefaultConfigPath};
  std::optional<std::string> redis;
  LogLevel log_level = LogLevel::info;
  bool check = false;
  const DaemonAction* action = nullptr;
};

void print_help(const DaemonSpec& spec) {
  std::cout << spec.name << ": " << spec.summary << "\n\nUsage: " << spec.name
            << " [OPTION]...\n\n"
               "  --config FILE      the configuration (default "
            << kDefaultConfigPath
            << ")\n"
               "  --redis URL        where Redis is, over what the file says: unix:PATH or "
               "redis://host:port/db\n"
               "  --check            validate the configuration, say what it means, and exit\n"
               "  --log-level LEVEL  debug, info (default), warning or error\n";
  for (const auto& action : spec.actions) {
    const std::size_t pad = 17 - std::min<std::size_t>(17, action.option.size());
    std::cout << "  --" << action.option << std::string(pad, ' ') << action.help << '\n';
  }
  std::cout
      << "  --version          print the version and exit\n"
         "  --help             print this and exit\n\n"
         "Runs in the foreground and logs to stderr. SIGHUP re-reads the configuration; a bad file changes\n"
         "nothing. Exit status: 0, 1 run-time failure, 64 usage, 78 configuration.\n";
}

int usage_error(const DaemonSpec& spec, std::string_view what) {
  std::cerr << spec.name << ": " << what << "; see " << spec.name << " --help\n";
  return kExitUsage;
}

constexpr int kFirstAction = 1000;

std::vector<option> long_options(const DaemonSpec& spec, const std::vector<std::string>& action_names) {
  std::vector<option> out{
      {"config", required_argument, nullptr, 'c'}, {"redis", required_argument, nullptr, 'r'},
      {"check", no_argument, nullptr, 'k'},        {"log-level", required_argument, nullptr, 'l'},
      {"version", no_argument, nullptr, 'v'},      {"help", no_argument, nullptr, 'h'}};
  for (std::size_t i = 0; i < spec.actions.size(); ++i) {
    out.push_back({action_names[i].c_str(), no_argument, nullptr, kFirstAction + static_cast<int>(i)});
  }
  out.push_back({nullptr, 0, nullptr, 0});
  return out;
}

/// The options, or the exit status with which to end at once.
tl::expected<Options, int> read_options(int argc, char** argv, const DaemonSpec& spec) {
  std::vector<std::string> action_names;
  for (const auto& action : spec.actions) action_names.emplace_back(action.option);
  const auto table = long_options(spec, action_names);
  Options options;
  opterr = 0;
  for (int found = 0; (found = getopt_long(argc, argv, ":", table.data(), nullptr)) != -1;) {
    switch (found) {
      case 'c':
        options.config_path = optarg;
        break;
      case 'r':
        options.redis = optarg;
        break;
      case 'k':
        options.check = true;
        break;
      case 'l':
        if (const auto level = parse_log_level(optarg)) {
          options.log_level = *level;
          break;
        }
        return tl::unexpected(usage_error(
            spec, cat("--log-level: '", printable(optarg), "' is not one of debug, info, warning, error")));
      case 'v':
        std::cout << spec.name << " (multilink) " << version() << '\n';
        return tl::unexpected(kExitOk);
      case 'h':
        print_help(spec);
        return tl::unexpected(kExitOk);
      case ':':
        return tl::unexpected(usage_error(spec, cat("'", printable(argv[optind - 1]), "' needs a value")));
      case '?':
        return tl::unexpected(usage_error(spec, cat("unknown option '", printable(argv[optind - 1]), "'")));
      default: {
        const auto* action = &spec.actions[static_cast<std::size_t>(found - kFirstAction)];
        if (options.action != nullptr && options.action != action) {
          return tl::unexpected(usage_error(
              spec, cat("--", options.action->option, " and --", action->option, " exclude each other")));
        }
        options.action = action;
      }
    }
  }
  if (options.check && options.action != nullptr) {
    return tl::unexpected(
        usage_error(spec, cat("--check and --", options.action->option, " exclude each other")));
  }
  if (optind < argc) {
    return tl::unexpected(usage_error(spec, cat("unexpected argument '", printable(argv[optind]), "'")));
  }
  return options;
}

/// The file's configuration with the command line's --redis over it.
ParsedConfig load(const Options& options) {
  auto parsed = load_config_file(options.config_path);
  if (!options.redis || !parsed.config) return parsed;
  if (auto address = RedisAddress::parse(*options.redis)) {
    parsed.config->suite.redis = *address;
  } else {
    parsed.config.reset();
    parsed.errors.push_back({"--redis", 0, address.error().message});
  }
  return parsed;
}

int check(const ParsedConfig& parsed) {
  (parsed.config ? std::cout : std::cerr) << describe_check(parsed, existing_devices());
  return parsed.config ? kExitOk : kExitConfig;
}

/// SIG_BLOCK: whoever asks for the file to be read anew while we start is served after, and does not end us.
void keep_hangups_waiting(int how) {
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(how, &hangup, nullptr);
}

/// One daemon from its configuration to its end.
class Runner {
 public:
  Runner(const DaemonSpec& spec, const Options& options, ParsedConfig parsed, std::string boot)
      : spec_(spec),
        options_(options),
        config_(*parsed.config),
        log_(spec.name, options.log_level),
        supervisor_(loop_),
        login_(read_redis_login()),
        store_(loop_, log_, config_.suite.redis, login_ ? *login_ : std::nullopt, RedisStore::kStarting),
        parts_{loop_, log_, supervisor_, store_, config_, std::move(boot), {}} {
    parts_.self.pid = getpid();
    parts_.self.version = version();
    for (const auto& warning : parsed.warnings) log_.warning(warning.to_string());
  }

  int run() {
    const bool needs_redis = options_.action == nullptr || options_.action->needs_config;
    if (!login_ && needs_redis) {
      log_.error(login_.error().message);
      return kExitFailure;
    }
    if (options_.action != nullptr) return options_.action->run(parts_);
    const auto lock = InstanceLock::take(spec_.name, config_.suite.site);
    if (!lock && lock.error().code == EADDRINUSE) {
      log_.error(lock.error().message);
      return kExitFailure;
    }
    if (!lock) log_.warning(lock.error().message);
    log_.info(cat(spec_.name, ' ', version(), " starts with ", config_.uplinks.size(), " uplink(s) from ",
                  options_.config_path));
    const auto service = spec_.make(parts_);
    loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [&](int signal) { on_signal(signal, *service); });
    keep_hangups_waiting(SIG_UNBLOCK);
    loop_.post([&] { service->start(); });
    loop_.run();
    log_.info(cat(spec_.name, " ends in order"));
    return kExitOk;
  }

 private:
  void on_signal(int signal, Service& service) {
    if (signal == SIGHUP) return reload(service);
    supervisor_.stopping();
    service.stop();
    // What stop() has handed to Redis may still be on its way; a frozen Redis must not hold the end up.
    constexpr auto kGoodbye = std::chrono::milliseconds(50);
    end_ = loop_.after(kGoodbye, [this] { loop_.stop(); });
  }

  void reload(Service& service) {
    supervisor_.reloading();
    const auto parsed = load(options_);
    for (const auto& problem : parsed.errors) log_.error(problem.to_string());
    for (const auto& warning : parsed.warnings) log_.warning(warning.to_string());
    if (!parsed.config) {
      log_.error(cat(options_.config_path, " is refused whole; the configuration in force stays"));
    } else if (parsed.config->suite.redis != config_.suite.redis ||
               parsed.config->suite.site != config_.suite.site) {
      log_.error(cat(options_.config_path,
                     ": redis and site take effect at a restart only; the configuration in "
                     "force stays. Restart the daemons, or put the two back"));
    } else {
      config_ = *parsed.config;
      service.reload(config_);
      log_.info(
          cat("now goes by the new ", options_.config_path, ": ", config_.uplinks.size(), " uplink(s)"));
    }
    supervisor_.reloaded();
  }

  const DaemonSpec& spec_;
  const Options& options_;
  Config config_;
  EventLoop loop_;
  SpdlogLog log_;
  SystemdSupervisor supervisor_;
  Result<std::optional<RedisLogin>> login_;
  RedisStore store_;
  DaemonParts parts_;
  std::unique_ptr<Timer> end_;
};

int run(int argc, char** argv, const DaemonSpec& spec) {
  const auto options = read_options(argc, argv, spec);
  if (!options) return options.error();
  const bool is_to_stay = options->action == nullptr && !options->check;
  if (is_to_stay) keep_hangups_waiting(SIG_BLOCK);
  const bool needs_config = options->action == nullptr || options->action->needs_config;
  ParsedConfig parsed;
  if (needs_config) {
    parsed = load(*options);
  } else {
    parsed.config = Config{};
  }
  if (options->check) return check(parsed);
  if (!parsed.config) {
    for (const auto& problem : parsed.errors) std::cerr << problem.to_string() << '\n';
    return kExitConfig;
  }
  auto boot = read_boot_id();
  if (!boot) {
    std::cerr << spec.name << ": " << boot.error().message << '\n';
    return kExitFailure;
  }
  signal(SIGPIPE, SIG_IGN);
  return Runner(spec, *options, std::move(parsed), std::move(*boot)).run();
}

}  // namespace

int run_daemon(int argc, char** argv, const DaemonSpec& spec) {
  try {
    return run(argc, argv, spec);
  } catch (const StartFailure& failure) {
    std::cerr << spec.name << ": " << failure.what() << '\n';
    return kExitFailure;
  } catch (const std::exception& error) {
    std::cerr << spec.name << ": ends after an unexpected error: " << error.what() << '\n';
    return kExitFailure;
  }
}

}  // namespace multilink
