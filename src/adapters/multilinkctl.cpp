// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/multilinkctl.hpp"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "multilink/adapters/admin_command.hpp"
#include "multilink/adapters/config_command.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/doctor_command.hpp"
#include "multilink/adapters/drill_command.hpp"
#include "multilink/adapters/events_command.hpp"
#include "multilink/adapters/explain_command.hpp"
#include "multilink/adapters/history_command.hpp"
#include "multilink/adapters/init_command.hpp"
#include "multilink/adapters/multilinkctl_help.hpp"
#include "multilink/adapters/proxy_command.hpp"
#include "multilink/adapters/replay_command.hpp"
#include "multilink/adapters/status_command.hpp"
#include "multilink/adapters/version.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

constexpr Duration kDeadline = std::chrono::seconds(3);
constexpr Duration kExplainDeadline = std::chrono::seconds(1);  // Redis tells only a part of it
struct Options : ReplayRequest {
  ExplainRequest explain;  ///< but for what both requests have
  bool no_start = false;
  HistoryRequest history;  ///< likewise
  StatusRequest status;    ///< likewise
  EventsRequest events;    ///< likewise
  std::string against;     ///< of config diff
  InitRequest init;        ///< its file empty: that of the configuration
  AdminRequest admin;      ///< likewise
  bool help = false;
  bool version = false;
  std::vector<std::string> words;
};

void complain(std::string_view text) {
  std::fputs(cat("multilinkctl: ", text, '\n').c_str(), stderr);
}

/// Reads the value of --redis; false after a complaint.
bool take_redis(std::string_view url, Options& options) {
  const auto address = RedisAddress::parse(url);
  if (address) {
    options.redis = *address;
  } else {
    complain(cat("--redis: ", address.error().message));
  }
  return address.has_value();
}

/// nullopt after a complaint (getopt_long makes its own).
std::optional<Options> parse_options(int argc, char** argv) {
  constexpr std::array<option, 30> kOptions{
      {{"config", required_argument, nullptr, 'c'}, {"from", required_argument, nullptr, 'F'},
       {"iif", required_argument, nullptr, 'I'},    {"oif", required_argument, nullptr, 'O'},
       {"proto", required_argument, nullptr, 'P'},  {"port", required_argument, nullptr, 'p'},
       {"mark", required_argument, nullptr, 'm'},   {"uplink", required_argument, nullptr, 'u'},
       {"file", required_argument, nullptr, 'f'},   {"set", required_argument, nullptr, 's'},
       {"hours", required_argument, nullptr, 'H'},  {"days", required_argument, nullptr, 'D'},
       {"month", required_argument, nullptr, 'M'},  {"csv", no_argument, nullptr, 'C'},
       {"html", no_argument, nullptr, 'T'},         {"redis", required_argument, nullptr, 'r'},
       {"json", no_argument, nullptr, 'j'},         {"for", required_argument, nullptr, 't'},
       {"no-start", no_argument, nullptr, 'n'},     {"output", required_argument, nullptr, 'o'},
       {"force", no_argument, nullptr, 'x'},        {"against", required_argument, nullptr, 'a'},
       {"follow", no_argument, nullptr, 'w'},       {"count", required_argument, nullptr, 'N'},
       {"watch", optional_argument, nullptr, 'W'},  {"no-colour", no_argument, nullptr, 'L'},
       {"no-color", no_argument, nullptr, 'L'},     {"help", no_argument, nullptr, 'h'},
       {"version", no_argument, nullptr, 'v'},      {nullptr, 0, nullptr, 0}}};
  Options options;
  options.config = kDefaultConfigPath;
  for (int key = 0; (key = getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1;) {
    switch (key) {
      case 'c':
        options.config = optarg;
        break;
      case 'r':
        if (!take_redis(optarg, options)) return std::nullopt;
        break;
      case 'F':
        options.explain.from = optarg;
        break;
      case 'I':
        options.explain.iif = optarg;
        break;
      case 'O':
        options.explain.oif = optarg;
        break;
      case 'P':
        options.explain.proto = optarg;
        break;
      case 'p':
        options.explain.port = optarg;
        break;
      case 'm':
        options.explain.mark = optarg;
        break;
      case 'u':
        options.uplink = optarg;
        break;
      case 'f':
        options.file = optarg;
        break;
      case 's':
        options.settings.emplace_back(optarg);
        break;
      case 'n':
        options.no_start = true;
        break;
      case 't':
        options.admin.length = optarg;
        break;
      case 'H':
        options.history.hours = optarg;
        break;
      case 'D':
        options.history.days = optarg;
        break;
      case 'M':
        options.history.month = optarg;
        break;
      case 'C':
        options.history.csv = true;
        break;
      case 'T':
        options.history.html = true;
        break;
      case 'o':
        options.init.output = optarg;
        break;
      case 'x':
        options.init.force = options.admin.force = true;
        break;
      case 'a':
        options.against = optarg;
        break;
      case 'w':
        options.events.follow = true;
        break;
      case 'N':
        options.events.count = optarg;
        break;
      case 'W':
        options.status.watch = true;
        if (optarg != nullptr) options.status.seconds = optarg;
        break;
      case 'L':
        options.status.no_colour = true;
        break;
      case 'j':
        options.json = true;
        break;
      case 'h':
        options.help = true;
        break;
      case 'v':
        options.version = true;
        break;
      default:
        return std::nullopt;
    }
  }
  options.words.assign(argv + optind, argv + argc);
  return options;
}

bool put(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int print(std::string_view text) {
  if (put(text)) return kExitOk;
  complain("cannot write to standard output");
  return kExitFailure;
}

int complain(const CommandFailure& failure) {
  for (const auto& line : failure.lines) complain(line);
  return failure.status;
}

int finish(const tl::expected<std::string, CommandFailure>& text) {
  return text ? print(*text) : complain(text.error());
}

int replay(const Options& options) {
  return finish(run_replay(options, kDeadline));
}

/// "status --watch 5": getopt takes an optional value behind '=' only.
bool is_status(const Options& options) {
  return options.words == std::vector<std::string>{"status"} ||
         (options.status.watch && options.status.seconds.empty() && options.words.size() == 2 &&
          options.words[0] == "status");
}

int status(const Options& options) {
  StatusRequest request = options.status;
  request.config = options.config;
  request.redis = options.redis;
  request.json = options.json;
  if (options.words.size() == 2) request.seconds = options.words[1];
  if (!request.watch) return finish(show_status(request, kDeadline));
  const auto done = watch_status(request, kDeadline);
  return done ? kExitOk : complain(done.error());
}

int config(const Options& options) {
  ConfigRequest request{options.config, {}, options.against, options.redis, options.json};
  if (options.words.size() > 2) request.file = options.words[2];
  const auto result = options.words[1] == "check" ? check_config(request) : diff_config(request, kDeadline);
  if (!result) return complain(result.error());
  const int printed = print(result->text);
  return printed == kExitOk ? result->status : printed;
}

bool is_config(const std::vector<std::string>& words) {
  return (words.size() == 2 || words.size() == 3) && words[0] == "config" &&
         (words[1] == "check" || words[1] == "diff");
}

int events(const Options& options) {
  EventsRequest request = options.events;
  request.config = options.config;
  request.redis = options.redis;
  request.json = options.json;
  const auto done = run_events(request, kDeadline, {put, [](std::string_view line) { complain(line); }});
  return done ? kExitOk : complain(done.error());
}

int doctor(const Options& options) {
  const auto result = run_doctor({options.config, options.redis, options.json}, kDeadline);
  const int printed = print(result.text);
  return printed == kExitOk ? result.status : printed;
}

int init(const Options& options) {
  InitRequest request = options.init;
  if (request.output.empty()) request.output = options.config;
  const auto result = run_init(request);
  if (!result) return complain(result.error());
  std::fputs(result->said.c_str(), stderr);
  return print(result->out);
}

int proxy(const Options& options) {
  const ProxyRequest request{options.config, options.redis, options.json, options.no_start};
  return finish(options.words.size() == 1 ? show_proxy(request, kDeadline) : apply_proxy(request));
}

int show_history(const Options& options, decltype(run_history)& run_command) {
  HistoryRequest request = options.history;
  request.config = options.config;
  request.redis = options.redis;
  request.uplink = options.uplink;
  request.json = options.json;
  return finish(run_command(request, kDeadline));
}

int administer(AdminMode mode, const Options& options) {
  AdminRequest request = options.admin;
  request.config = options.config;
  request.redis = options.redis;
  request.uplink = options.words.at(1);
  return finish(run_admin(mode, request));
}

int drill(const Options& options) {
  AdminRequest request = options.admin;
  request.config = options.config;
  request.redis = options.redis;
  request.uplink = options.words.at(1);
  const auto result = run_drill(request, options.json);
  if (!result) return complain(result.error());
  const int printed = print(result->text);
  return printed == kExitOk ? result->status : printed;
}

/// nullopt: the words are none of these commands.
std::optional<int> run_operation(const Options& options) {
  constexpr std::array<std::pair<std::string_view, AdminMode>, 3> kOrders{
      {{"disable", AdminMode::disabled}, {"enable", AdminMode::none}, {"drain", AdminMode::drained}}};
  if (options.words.size() == 2 && options.words.front() == "drill") return drill(options);
  if (!options.words.empty() && options.words.front() == "drill") {
    complain("drill: say of which uplink, and for how long: multilinkctl drill UPLINK --for 30s");
    return kExitUsage;
  }
  for (const auto& [word, mode] : kOrders) {
    if (options.words.empty() || options.words.front() != word) continue;
    if (options.words.size() == 2) return administer(mode, options);
    complain(cat(word, ": say of which uplink: multilinkctl ", word, " UPLINK"));
    return kExitUsage;
  }
  return std::nullopt;
}

int explain(const Options& options) {
  ExplainRequest request = options.explain;
  request.config = options.config;
  request.redis = options.redis;
  request.json = options.json;
  request.destination = options.words.at(1);
  const auto result = run_explain(request, kExplainDeadline);
  if (!result) return complain(result.error());
  const int printed = print(result->text);
  return printed == kExitOk ? result->status : printed;
}

int run(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (options && options->help) return print(kMultilinkctlHelp);
  if (options && options->version) return print(cat("multilinkctl ", version(), '\n'));
  if (options && is_status(*options)) return status(*options);
  if (options && options->words == std::vector<std::string>{"init"}) return init(*options);
  if (options && options->words == std::vector<std::string>{"events"}) return events(*options);
  if (options && is_config(options->words)) return config(*options);
  if (options && options->words == std::vector<std::string>{"doctor"}) return doctor(*options);
  if (options && options->words == std::vector<std::string>{"replay"}) return replay(*options);
  if (options && options->words == std::vector<std::string>{"history"})
    return show_history(*options, run_history);
  if (options && options->words == std::vector<std::string>{"report"})
    return show_history(*options, run_report);
  if (options && (options->words == std::vector<std::string>{"proxy"} ||
                  options->words == std::vector<std::string>{"proxy", "apply"})) {
    return proxy(*options);
  }
  if (const auto status = options ? run_operation(*options) : std::nullopt) return *status;
  if (options && options->words.size() == 2 && options->words.front() == "explain") return explain(*options);
  if (options && options->words == std::vector<std::string>{"explain"}) {
    complain("explain: say where the packet goes: multilinkctl explain DESTINATION");
    return kExitUsage;
  }
  if (options && options->words.empty()) complain(cat("say what to do: ", kMultilinkctlCommands));
  if (options && !options->words.empty()) {
    complain(cat("'", printable(join(options->words, " ")),
                 "' is not a command; there is: ", kMultilinkctlCommands));
  }
  complain("see multilinkctl --help");
  return kExitUsage;
}

}  // namespace

int run_multilinkctl(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    complain(error.what());
    return kExitFailure;
  }
}

}  // namespace multilink
