// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/replay_command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/core/config_override.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/replay_report.hpp"
#include "multilink/core/stored_trace.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

template <class T>
using Outcome = tl::expected<T, CommandFailure>;

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

/// What a file is replayed with when no uplink is named: the defaults, and a target to ask.
UplinkConfig default_uplink() {
  UplinkConfig uplink;
  uplink.device = uplink.name = "link";
  uplink.targets = {*IpAddress::parse("192.0.2.1")};
  return uplink;
}

Outcome<UplinkConfig> find_uplink(const ReplayRequest& request) {
  if (request.uplink.empty()) return default_uplink();
  const ParsedConfig parsed = load_config_file(request.config);
  if (!parsed.config) {
    CommandFailure failure{kExitConfig, {}};
    for (const auto& problem : parsed.errors) failure.lines.push_back(problem.to_string());
    return tl::unexpected(failure);
  }
  const auto* uplink = parsed.config->uplink_named(request.uplink);
  if (uplink != nullptr) return *uplink;
  std::vector<std::string> names;
  for (const auto& known : parsed.config->uplinks) names.push_back(known.name);
  return refuse(kExitUsage, cat("--uplink: ", quoted(request.uplink), " is not in ", request.config,
                                "; there is: ", join(names, ", ")));
}

constexpr Duration kLongest = std::chrono::hours(24 * 31);

struct Recording {
  std::string what;
  Family family;
  StoredTrace stored;
  bool has_begin = false;
};

Outcome<Recording> read_file(const std::string& path, Family family) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return refuse(kExitFailure, cat(path, ": ", std::strerror(errno)));
  auto trace = parse_link_trace(text, path);
  if (!trace) return refuse(kExitFailure, trace.error().message);
  return Recording{path, family, {*std::move(trace), {}}, false};
}

Outcome<Recording> read_stored(const ReplayRequest& request, Duration deadline) {
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  const auto key = RedisKeys(source->site).probes(request.uplink);
  const auto replies = run_on_redis(*source, {{"ZRANGE", key, "0", "-1", "WITHSCORES"}}, deadline);
  if (!replies) return refuse(kExitFailure, cat(source->redis.to_string(), ": ", replies.error().message));
  const auto scored = as_scored(replies->front());
  if (!scored) return refuse(kExitFailure, cat(key, ": ", scored.error().message));
  std::map<Family, std::vector<ProbeRecord>> probes;
  for (const auto& [member, score] : *scored) {
    auto probe = ProbeRecord::decode(member, score);
    if (!probe) continue;
    const Family family = probe->target.family();
    probes[family].push_back(*std::move(probe));
  }
  if (probes.empty()) {
    return refuse(kExitFailure, cat(source->redis.to_string(), ": no probes of ", request.uplink,
                                    " are stored; does pingd run?"));
  }
  const auto& [family, most] =
      *std::ranges::max_element(probes, {}, [](const auto& item) { return item.second.size(); });
  return Recording{cat(request.uplink, " IPv", to_string(family)), family, trace_of_stored(most), true};
}

}  // namespace

tl::expected<std::string, CommandFailure> run_replay(const ReplayRequest& request, Duration deadline) {
  if (request.uplink.empty() && request.file.empty()) {
    return refuse(kExitUsage, "replay: say which link: --uplink NAME or --file FILE");
  }
  const auto uplink = find_uplink(request);
  if (!uplink) return tl::unexpected(uplink.error());
  auto configured = *uplink;
  auto changed = with_settings(configured, request.settings);
  if (!changed) return refuse(kExitUsage, cat("--set: ", changed.error().message));
  const auto recording = request.file.empty() ? read_stored(request, deadline)
                                              : read_file(request.file, configured.targets.front().family());
  if (!recording) return tl::unexpected(recording.error());

  const auto& [what, family, stored, has_begin] = *recording;
  if (stored.trace.back().at > kLongest) {
    return refuse(kExitFailure, cat(what, ": its first and last probe are more than 31 days apart; cut it"));
  }
  // LinkReplay probes the family of the first target.
  for (auto* settings : {&configured, &*changed}) {
    std::stable_partition(
        settings->targets.begin(), settings->targets.end(),
        [&, wanted = family](const IpAddress& target) { return target.family() == wanted; });
  }
  auto report = describe_trace(what, stored.trace, has_begin ? std::optional(stored.begin) : std::nullopt);
  report.runs.push_back(
      replay_trace(request.uplink.empty() ? "by default" : "as configured", configured, stored.trace));
  if (!request.settings.empty()) {
    report.runs.push_back(replay_trace(join(request.settings, " "), *changed, stored.trace));
  }
  return request.json ? render_replay_json(report) : render_replay_text(report);
}

}  // namespace multilink
