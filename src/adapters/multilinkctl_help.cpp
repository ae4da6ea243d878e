// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/multilinkctl_help.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {

const std::string_view kMultilinkctlCommands =
    "status, explain, history, report, replay, proxy, init, doctor, config, events, disable, enable, drain, "
    "drill";

namespace {

/// What follows a line break in a text is indented as the texts are.
struct CommandHelp {
  std::string_view words;
  std::string_view usage;  ///< what stands behind the words
  std::string_view text;
};

constexpr std::array kCommands{
    CommandHelp{
        "status", "[--json | --check] [--watch [SECONDS]] [--no-colour]",
        "what the suite is doing, as its daemons report it to Redis: the uplinks, the daemons and the\n"
        "                 last events"},
    CommandHelp{
        "explain",
        "[--from ADDRESS] [--iif DEVICE | --oif DEVICE] [--proto P [--port N]]\n"
        "                            [--mark M] [--json] DESTINATION",
        "where a packet to DESTINATION goes now and why: the rule, the route and the uplink, checked\n"
        "                 against the kernel's own answer (docs/explain.md)"},
    CommandHelp{
        "replay", "--uplink NAME | --file FILE [--set KEY=VALUE]... [--json]",
        "what the probes that Redis keeps of an uplink, or those in a file, would have led to with other\n"
        "                 settings (docs/replay.md)"},
    CommandHelp{"history", "--uplink NAME [--hours N | --days N] [--json | --csv]",
                "what is kept of an uplink: its states, losses and round trips (docs/history.md)"},
    CommandHelp{
        "report", "--uplink NAME --month YYYY-MM [--json | --html]",
        "how good an uplink was in a month: availability, outages, losses, round trips; to be shown to its\n"
        "                 ISP (docs/history.md)"},
    CommandHelp{
        "proxy", "[--json]",
        "the web proxy's parents: the share, the requests and the errors of each (docs/load-balancing.md)"},
    CommandHelp{"proxy apply", "[--no-start]",
                "makes the proxies what [squid] in the configuration says: done at the start, and by "
                "'systemctl reload\n"
                "                 multilink-proxy'"},
    CommandHelp{"init", "[--output FILE|-] [--force]",
                "finds this host's uplinks and writes an interfaces.conf with a section for each"},
    CommandHelp{"doctor", "[--json]",
                "looks for what would keep multilink from working, or hurt traffic, and says what to do"},
    CommandHelp{"config check", "[FILE] [--json]",
                "validates FILE, by default the configuration, as the daemons' --check does"},
    CommandHelp{"config diff", "[FILE] [--against OTHER] [--json]",
                "what a reload of FILE would change against what the daemons go by, key by key"},
    CommandHelp{"events", "[--follow] [--count N] [--json]",
                "what has happened, oldest first: states, routes, links"},
    CommandHelp{"disable", "UPLINK [--for TIME] [--force]",
                "takes an uplink out, as enabled = no in the file does: all traffic leaves it"},
    CommandHelp{"drain", "UPLINK [--for TIME] [--wait [--timeout TIME] [--json]]",
                "lets nothing new go by an uplink while another can carry; what runs there stays"},
    CommandHelp{"enable", "UPLINK", "takes back disable and drain"},
    CommandHelp{"drill", "UPLINK --for TIME [--force] [--json]",
                "makes an uplink a black hole for 1s to 10min, and tells what users would have felt: ends by "
                "itself,\n"
                "                 whatever dies meanwhile, and at Ctrl-C"},
};

/// An option, or several that one line tells of.
struct OptionHelp {
  std::string_view names;
  std::string_view head;
  std::string_view text;
};

constexpr std::array kOptions{
    OptionHelp{"for", "--for TIME",
               "disable, drain, drill: how long (30s, 10min, 2h; disable, drain: default until 'enable')"},
    OptionHelp{"wait", "--wait",
               "drain: come back when no flow is left on the uplink, and tell meanwhile how many there are"},
    OptionHelp{
        "timeout", "--timeout TIME",
        "drain --wait: come back after this time at the latest (1s to 366d); the uplink stays drained"},
    OptionHelp{
        "force", "--force",
        "disable, drill: also where no other uplink is usable; init: replace a file that is there, which\n"
        "                 is kept as FILE.old"},
    OptionHelp{
        "from", "--from ADDRESS",
        "the packet's source; one that is not this host's has come in, by --iif or the device towards it"},
    OptionHelp{
        "iif", "--iif DEVICE",
        "the device by which the packet comes in; without it, and without such a source, this host sends it"},
    OptionHelp{"oif", "--oif DEVICE",
               "the device that the socket of this host is bound to (curl --interface)"},
    OptionHelp{"proto port", "--proto P", "tcp, udp, icmp or a number; --port N the port it goes to"},
    OptionHelp{"mark", "--mark M", "the packet's mark (0x1000000): of a connection that is pinned, say"},
    OptionHelp{"uplink", "--uplink NAME",
               "the uplink; with --file, whose settings to begin with (else the defaults)"},
    OptionHelp{"file", "--file FILE",
               "recorded probes: lines of 'seconds,rtt_ms', with an empty rtt_ms for a lost one"},
    OptionHelp{"set", "--set KEY=VALUE",
               "another setting, as in the configuration file: --set loss_down=30%"},
    OptionHelp{"no-start", "--no-start", "writes and validates the proxies' files, starts and stops nothing"},
    OptionHelp{"output", "--output FILE",
               "init: write there ('-': to standard output) instead of to the configuration file"},
    OptionHelp{"against", "--against OTHER", "config diff: compare FILE with this file instead"},
    OptionHelp{"follow", "--follow",
               "events: go on with what comes, until Ctrl-C; a Redis that is away is waited for"},
    OptionHelp{"count", "--count N",
               "events: so many of the last, 1 to 10000 (default 20); with --follow also 0"},
    OptionHelp{"check", "--check",
               "status: its first line alone, and an exit status as of a monitoring plugin"},
    OptionHelp{"watch", "--watch [SECONDS]",
               "status: live, until Ctrl-C, every 2 s or SECONDS (0.2 to 3600)"},
    OptionHelp{
        "no-colour", "--no-colour",
        "status: no colours (--no-color is the same; without a terminal, or with NO_COLOR, none anyway)"},
    OptionHelp{"hours", "--hours N", "history: each minute of the last N hours, 1 to 720"},
    OptionHelp{"days", "--days N", "history: each hour of the last N days, 1 to 400 (default: 1)"},
    OptionHelp{"month", "--month YYYY-MM", "report: the month, in UTC"},
    OptionHelp{"csv html", "--csv, --html", "comma-separated values, or one page to print, instead of text"},
    OptionHelp{"json", "--json",
               "JSON instead of text (docs/status-json.md, docs/explain.md, docs/replay.md,\n"
               "                 docs/history.md, docs/load-balancing.md)"},
    OptionHelp{"config", "--config FILE", "the configuration file (default /etc/multilink/interfaces.conf)"},
    OptionHelp{"redis", "--redis URL",
               "read from this Redis (unix:PATH or redis://HOST:PORT/DB) instead of the file's"},
    OptionHelp{"help", "--help", "this text"},
    OptionHelp{"version", "--version", "the version"},
};
constexpr std::string_view kOfEach = "config redis help version";

/// What the help of these commands says of an option instead, where the whole help's words are about others too.
struct OwnWords {
  std::string_view commands;  ///< empty: all others
  std::string_view name;
  std::string_view head;
  std::string_view text;
};

constexpr std::array kOwnWords{
    OwnWords{"disable,drain", "for", "--for TIME",
             "how long: 30s, 10min, 2h, to 366d (default: until 'enable')"},
    OwnWords{"drill", "for", "--for TIME", "how long: 1s to 10min"},
    OwnWords{"disable,drill", "force", "--force", "also where no other uplink is usable"},
    OwnWords{"init", "force", "--force", "replace a file that is there, which is kept as FILE.old"},
    OwnWords{"history,report", "uplink", "--uplink NAME", "the uplink"},
    OwnWords{"history", "csv", "--csv", "comma-separated values instead of text"},
    OwnWords{"report", "html", "--html", "one page to print instead of text"},
    OwnWords{"status", "json", "--json", "JSON instead of text (docs/status-json.md)"},
    OwnWords{"events", "json", "--json", "an object on each line instead of text (docs/status-json.md)"},
    OwnWords{"explain", "json", "--json", "JSON instead of text (docs/explain.md)"},
    OwnWords{"replay", "json", "--json", "JSON instead of text (docs/replay.md)"},
    OwnWords{"history,report", "json", "--json", "JSON instead of text (docs/history.md)"},
    OwnWords{"proxy", "json", "--json", "JSON instead of text (docs/load-balancing.md)"},
    OwnWords{"", "json", "--json", "JSON instead of text"},
};

constexpr std::string_view kStatusesOfEach =
    "0 done, 1 Redis, the kernel or the file cannot be read, or a daemon does not answer, 64 wrong usage, 78 "
    "the "
    "configuration is refused";

struct StatusHelp {
  std::string_view commands;
  std::string_view of;  ///< how the whole help names them
  std::string_view text;
};

constexpr std::array kStatuses{
    StatusHelp{"status", "status --check", "1 attention, 2 failed, 3 unknown or not readable"},
    StatusHelp{"explain", "explain also", "2 nothing carries the packet, 3 the kernel says otherwise"},
    StatusHelp{"init", "init", "2 no uplink found, 3 the file is there already"},
    StatusHelp{"doctor", "doctor", "2 there are problems"},
    StatusHelp{"config diff", "config diff", "2 there are differences"},
    StatusHelp{"disable,drill", "disable and drill", "2 refused as things are"},
    StatusHelp{"drill", "drill also", "3 it did not fail over or did not come back, 4 it was cut short"},
    StatusHelp{"drain", "drain --wait", "3 flows are left"},
};

bool lists(std::string_view list, char separator, std::string_view word) {
  const auto all = split(list, separator);
  return std::ranges::find(all, word) != all.end();
}

/// A line of two columns; a head that is too long for its column takes what it needs.
std::string entry(std::string_view head, std::string_view text) {
  constexpr std::size_t kColumn = 15;
  return cat("  ", head, std::string(head.size() < kColumn ? kColumn - head.size() : 2, ' '), text, '\n');
}

/// With the blanks of `text` that come last on a line of `most` as line breaks.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kMost = 108;
  std::string out;
  std::size_t used = 0;
  for (const auto word : split(text, ' ')) {
    const bool fits = used + 1 + word.size() <= kMost;
    if (used > 0) out += fits ? ' ' : '\n';
    used = (fits && used > 0 ? used + 1 : 0) + word.size();
    out += word;
  }
  return out + '\n';
}

using Commands = std::vector<const CommandHelp*>;

std::string usages(const Commands& commands) {
  std::string out;
  for (const auto* command : commands) {
    out += cat(out.empty() ? "Usage:" : "      ", " multilinkctl ", command->words,
               command->usage.empty() ? "" : " ", command->usage, '\n');
  }
  out += '\n';
  for (const auto* command : commands) out += entry(command->words, command->text);
  return out + '\n';
}

std::string option_of(std::string_view name, const OptionHelp& option, const Commands& commands) {
  if (commands.size() > 1) {
    const auto own = std::ranges::find_if(
        kOwnWords, [&](const OwnWords& words) { return words.name == name && words.commands.empty(); });
    return own == kOwnWords.end() ? entry(option.head, option.text) : entry(own->head, own->text);
  }
  const auto words = commands.front()->words;
  const auto own = std::ranges::find_if(kOwnWords, [&](const OwnWords& each) {
    return each.name == name && (each.commands.empty() || lists(each.commands, ',', words));
  });
  if (own != kOwnWords.end()) return entry(own->head, own->text);
  const auto before = cat(words, ": ");
  return entry(option.head, option.text.substr(option.text.starts_with(before) ? before.size() : 0));
}

}  // namespace

std::string multilinkctl_help() {
  Commands commands;
  for (const auto& command : kCommands) commands.push_back(&command);
  std::string out = usages(commands);
  for (const auto& option : kOptions) out += entry(option.head, option.text);
  std::string statuses = cat("Exit status: ", kStatusesOfEach);
  for (const auto& status : kStatuses) statuses += cat("; of ", status.of, ' ', status.text);
  return cat(out, '\n', wrapped(statuses + '.'));
}

std::string multilinkctl_help(const std::vector<CommandOptions>& of) {
  Commands commands;
  std::string names;
  for (const auto& command : kCommands) {
    const auto found = std::ranges::find(of, command.words, &CommandOptions::words);
    if (found == of.end()) continue;
    commands.push_back(&command);
    names += cat(found->options, ' ');
  }
  names += kOfEach;
  std::string out = usages(commands);
  for (const auto& option : kOptions) {
    const auto told = split(option.names, ' ');
    const auto first = std::ranges::find_if(told, [&](auto name) { return lists(names, ' ', name); });
    if (first != told.end()) out += option_of(*first, option, commands);
  }
  std::string statuses = cat("Exit status: ", kStatusesOfEach);
  for (const auto& status : kStatuses) {
    for (const auto* command : commands) {
      if (!lists(status.commands, ',', command->words)) continue;
      const bool of_an_option = status.of.find("--") != std::string_view::npos;
      statuses += cat("; ",
                      of_an_option          ? cat("of ", status.of, ' ')
                      : commands.size() > 1 ? cat("of ", command->words, ' ')
                                            : std::string(),
                      status.text);
    }
  }
  return cat(out, '\n', wrapped(statuses + '.'), "multilinkctl --help shows all commands.\n");
}

}  // namespace multilink
