// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/multilinkctl.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "multilink/adapters/admin_command.hpp"
#include "multilink/adapters/config_command.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/ctl_line.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/doctor_command.hpp"
#include "multilink/adapters/drain_command.hpp"
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

/// One command with what was written behind it.
struct Call {
  CtlLine line;
  std::optional<RedisAddress> redis;
  std::vector<std::string> operands;

  std::string config() const {
    return line.has("config") ? line.value("config") : std::string(kDefaultConfigPath);
  }
  std::string operand() const { return operands.empty() ? std::string() : operands.front(); }
};

void complain(std::string_view text) {
  std::fputs(cat("multilinkctl: ", text, '\n').c_str(), stderr);
}

int refuse_usage(std::string_view text) {
  complain(text);
  complain("see multilinkctl --help");
  return kExitUsage;
}

bool put(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int print(std::string_view text, int status = kExitOk) {
  if (put(text)) return status;
  complain("cannot write to standard output");
  return kExitFailure;
}

int complain(const CommandFailure& failure) {
  for (const auto& line : failure.lines) complain(line);
  return failure.status;
}

int finish(const tl::expected<void, CommandFailure>& done) {
  return done ? kExitOk : complain(done.error());
}

int finish(const tl::expected<std::string, CommandFailure>& text) {
  return text ? print(*text) : complain(text.error());
}

/// Of a command that has statuses of its own.
template <class Outcome>
int finish(const tl::expected<Outcome, CommandFailure>& result) {
  return result ? print(result->text, result->status) : complain(result.error());
}

/// With what most commands have.
template <class Request>
Request request_of(const Call& call) {
  Request out{};
  out.config = call.config();
  out.redis = call.redis;
  if constexpr (requires { out.json; }) out.json = call.line.has("json");
  if constexpr (requires { out.uplink; }) out.uplink = call.line.value("uplink");
  return out;
}

int status(const Call& call) {
  auto request = request_of<StatusRequest>(call);
  request.no_colour = call.line.has("no-colour");
  request.watch = call.line.has("watch");
  request.seconds = call.line.value("watch");
  if (!call.operands.empty()) {  // "status --watch 5": getopt takes an optional value behind '=' only
    if (!request.watch || !request.seconds.empty())
      return refuse_usage(cat("status: ", quoted(call.operand()), " has no meaning here"));
    request.seconds = call.operand();
  }
  if (call.line.has("check")) {
    for (const auto* option : {"watch", "json"}) {
      if (call.line.has(option))
        return refuse_usage(cat("status: --check and --", option, " exclude each other"));
    }
    const auto checked = check_status(request, kDeadline);
    return print(checked.text, checked.status);
  }
  return request.watch ? finish(watch_status(request, kDeadline)) : finish(show_status(request, kDeadline));
}

int explain(const Call& call) {
  auto request = request_of<ExplainRequest>(call);
  request.destination = call.operand();
  request.from = call.line.value("from");
  request.iif = call.line.value("iif");
  request.oif = call.line.value("oif");
  request.proto = call.line.value("proto");
  request.port = call.line.value("port");
  request.mark = call.line.value("mark");
  return finish(run_explain(request, kExplainDeadline));
}

int replay(const Call& call) {
  auto request = request_of<ReplayRequest>(call);
  request.file = call.line.value("file");
  if (call.line.has("set")) request.settings = call.line.options.at("set");
  return finish(run_replay(request, kDeadline));
}

template <auto run_command>
int history(const Call& call) {
  auto request = request_of<HistoryRequest>(call);
  request.hours = call.line.value("hours");
  request.days = call.line.value("days");
  request.month = call.line.value("month");
  request.csv = call.line.has("csv");
  request.html = call.line.has("html");
  return finish(run_command(request, kDeadline));
}

int proxy(const Call& call) {
  return finish(show_proxy(request_of<ProxyRequest>(call), kDeadline));
}

int proxy_apply(const Call& call) {
  auto request = request_of<ProxyRequest>(call);
  request.no_start = call.line.has("no-start");
  return finish(apply_proxy(request));
}

int init(const Call& call) {
  const auto output = call.line.value("output");
  const auto result = run_init({output.empty() ? call.config() : output, call.line.has("force")});
  if (!result) return complain(result.error());
  std::fputs(result->said.c_str(), stderr);
  return print(result->out);
}

int doctor(const Call& call) {
  const auto result = run_doctor(request_of<DoctorRequest>(call), kDeadline);
  return print(result.text, result.status);
}

ConfigRequest config_request(const Call& call) {
  auto request = request_of<ConfigRequest>(call);
  request.file = call.operand();
  request.against = call.line.value("against");
  return request;
}

int config_check(const Call& call) {
  return finish(check_config(config_request(call)));
}

int config_diff(const Call& call) {
  return finish(diff_config(config_request(call), kDeadline));
}

int events(const Call& call) {
  auto request = request_of<EventsRequest>(call);
  request.follow = call.line.has("follow");
  request.count = call.line.value("count");
  return finish(run_events(request, kDeadline, {put, [](std::string_view line) { complain(line); }}));
}

AdminRequest admin_request(const Call& call) {
  auto request = request_of<AdminRequest>(call);
  request.uplink = call.operand();
  request.length = call.line.value("for");
  request.force = call.line.has("force");
  return request;
}

template <AdminMode mode>
int order(const Call& call) {
  return finish(run_admin(mode, admin_request(call)));
}

int drain(const Call& call) {
  if (!call.line.has("wait")) {
    for (const auto* option : {"timeout", "json"}) {
      if (call.line.has(option)) return refuse_usage(cat("drain: --", option, " belongs to --wait"));
    }
    return order<AdminMode::drained>(call);
  }
  return finish(run_drain({admin_request(call), call.line.value("timeout"), call.line.has("json")}));
}

int drill(const Call& call) {
  return finish(run_drill(admin_request(call), call.line.has("json")));
}

/// A command. --config, --redis, --help and --version belong to each.
struct Command {
  std::string_view words;
  std::string_view options;
  unsigned least;  ///< how many operands it takes
  unsigned most;
  std::string_view lacking;  ///< what to say of too few
  int (*run)(const Call&);
};

constexpr std::string_view kWhich = "say of which uplink";
constexpr std::array kCommands{
    Command{"status", "json check watch no-colour", 0, 1, {}, status},
    Command{"explain", "from iif oif proto port mark json", 1, 1, "say where the packet goes", explain},
    Command{"history", "uplink hours days json csv", 0, 0, {}, history<run_history>},
    Command{"report", "uplink month json html", 0, 0, {}, history<run_report>},
    Command{"replay", "uplink file set json", 0, 0, {}, replay},
    Command{"proxy apply", "no-start", 0, 0, {}, proxy_apply},
    Command{"proxy", "json", 0, 0, {}, proxy},
    Command{"init", "output force", 0, 0, {}, init},
    Command{"doctor", "json", 0, 0, {}, doctor},
    Command{"config check", "json", 0, 1, {}, config_check},
    Command{"config diff", "against json", 0, 1, {}, config_diff},
    Command{"events", "follow count json", 0, 0, {}, events},
    Command{"disable", "for force", 1, 1, kWhich, order<AdminMode::disabled>},
    Command{"enable", "", 1, 1, kWhich, order<AdminMode::none>},
    Command{"drain", "for wait timeout json", 1, 1, kWhich, drain},
    Command{"drill", "for force json", 1, 1, "say of which uplink, and for how long", drill},
};
constexpr std::string_view kOfEach = "config redis help version";
/// Of any other, the one that is meant could only be guessed.
constexpr std::string_view kRepeatable = "set";

bool lists(std::string_view options, std::string_view name) {
  const auto all = split(options, ' ');
  return std::find(all.begin(), all.end(), name) != all.end();
}

/// Nullptr: the words begin with none, or go on behind it.
const Command* find_command(const std::vector<std::string>& words) {
  const auto* found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& command) {
    const auto wanted = split(command.words, ' ');
    return words.size() >= wanted.size() && std::equal(wanted.begin(), wanted.end(), words.begin()) &&
           words.size() - wanted.size() <= command.most;
  });
  return found == kCommands.end() ? nullptr : found;
}

/// Of words that are no command: what is wrong with them.
std::string why_no_command(const std::vector<std::string>& words) {
  std::string longer;
  for (const auto& command : kCommands) {
    const auto wanted = split(command.words, ' ');
    if (wanted.front() != words.front()) continue;
    if (words.size() > wanted.size() && std::equal(wanted.begin(), wanted.end(), words.begin())) {
      return cat(command.words, ": ", quoted(words.back()), " is one word too many; it takes ",
                 command.most == 0 ? "none, only options" : "one");
    }
    longer += cat(longer.empty() ? "" : " or ", "'", command.words, "'");
  }
  if (!longer.empty()) return cat("'", printable(join(words, " ")), "' is not a command; say ", longer);
  return cat("'", printable(join(words, " ")), "' is not a command; there is: ", kMultilinkctlCommands);
}

/// What --help was asked for by these words: a command, all forms of one, or everything.
std::string help_on(const std::vector<std::string>& words) {
  std::vector<CommandOptions> forms;
  for (const auto& command : kCommands) {
    const auto wanted = split(command.words, ' ');
    if (words.empty() || wanted.front() != words.front()) continue;
    if (wanted.size() > 1 && words.size() > 1 && wanted[1] == words[1])
      return multilinkctl_help({{command.words, command.options}});
    forms.push_back({command.words, command.options});
  }
  return forms.empty() ? multilinkctl_help() : multilinkctl_help(forms);
}

int refuse_option(const Command& command, std::string_view option) {
  std::string takes;
  for (const auto name : split(command.options, ' ')) {
    if (!name.empty()) takes += cat(takes.empty() ? "" : ", ", "--", name);
  }
  return refuse_usage(cat(command.words, ": --", option, " has no meaning here; there is: ",
                          takes.empty() ? "none but --config and --redis" : takes));
}

int run(int argc, char** argv) {
  const auto line = parse_ctl_line(argc, argv);
  if (!line) {
    complain("see multilinkctl --help");
    return kExitUsage;
  }
  if (line->has("help")) return print(help_on(line->words));
  if (line->has("version")) return print(cat("multilinkctl ", version(), '\n'));
  Call call{*line, std::nullopt, {}};
  if (line->has("redis")) {
    const auto address = RedisAddress::parse(line->value("redis"));
    if (!address) return refuse_usage(cat("--redis: ", address.error().message));
    call.redis = *address;
  }
  if (line->words.empty()) return refuse_usage(cat("say what to do: ", kMultilinkctlCommands));
  const auto* command = find_command(line->words);
  if (command == nullptr) {
    return refuse_usage(why_no_command(line->words));
  }
  for (const auto& [name, values] : line->options) {
    if (!lists(command->options, name) && !lists(kOfEach, name)) return refuse_option(*command, name);
    if (values.size() > 1 && name != kRepeatable)
      return refuse_usage(
          cat(command->words, ": --", name, " is given ", values.size(), " times; say it once"));
  }
  const auto words = static_cast<std::ptrdiff_t>(split(command->words, ' ').size());
  call.operands.assign(line->words.begin() + words, line->words.end());
  if (call.operands.size() < command->least) return refuse_usage(cat(command->words, ": ", command->lacking));
  return command->run(call);
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
