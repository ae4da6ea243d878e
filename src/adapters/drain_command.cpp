// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/drain_command.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "multilink/adapters/admin_session.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_query.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/core/admin_order.hpp"
#include "multilink/core/drain_report.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/quantity.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_index.hpp"

namespace multilink {
namespace {

constexpr Duration kDeadline = std::chrono::seconds(3);
constexpr Duration kPoll = std::chrono::seconds(1);
constexpr Duration kShortest = std::chrono::seconds(1);
/// What began while the route moved is seen by the second look.
constexpr int kLooksAtNothing = 2;

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

/// The flows that are pinned to one uplink.
class PinnedFlows {
 public:
  /// `mark`: of the uplink's connections.
  explicit PinnedFlows(const MarkMatch& mark) : mark_(mark) {}

  Result<FlowCount> count() {
    FlowCount out;
    for (const Family family : kFamilies) {
      const auto listed = connections_.list(family, mark_);
      if (!listed) return tl::unexpected<Error>(listed.error());
      count_flows(*listed, out);
    }
    return out;
  }

 private:
  MarkMatch mark_;
  QuietLog log_;
  NetlinkConnections connections_{log_};
};

Result<MarkMatch> mark_of(const UplinkConfig& uplink, const Config& config) {
  QuietLog log;
  const RoutingNumbers numbers;
  const auto state = NetlinkQuery(log, numbers).state();
  if (!state) return tl::unexpected<Error>(state.error());
  return PacketMarks(config.suite.mark_mask)
      .match(assign_indices(config, *state, numbers, {}).at(uplink.device));
}

/// Until the uplink is empty, or something else ends the waiting.
class Waiting {
 public:
  Waiting(std::string uplink, StatusSource source, PinnedFlows& flows, std::optional<Duration> longest)
      : uplink_(std::move(uplink)),
        keys_(source.site),
        session_(std::move(source)),
        flows_(flows),
        longest_(longest) {}

  Result<DrainReport> run() {
    const MonoTime begun = session_.now().mono;
    std::optional<FlowCount> told;
    int looks_at_nothing = 0;
    for (bool is_first = true;; is_first = false) {
      const auto count = flows_.count();
      if (!count) return tl::unexpected<Error>(count.error());
      const bool stays = !has_left();
      if (stays && !is_first) tell_it_stays();  // at first routed may not have got round to it
      if (told != *count && count->total() > 0)
        std::fputs(cat("multilinkctl: ", uplink_, ": ", to_text(*count), '\n').c_str(), stderr);
      told = *count;
      looks_at_nothing = count->total() == 0 && !stays ? looks_at_nothing + 1 : 0;
      const Duration waited = session_.now().mono - begun;
      if (const auto end = end_after(waited, looks_at_nothing))
        return DrainReport{uplink_, *end, *count, waited};
      session_.pause(longest_ ? std::min(kPoll, *longest_ - waited) : kPoll);
    }
  }

 private:
  /// Whether the traffic has gone elsewhere by the word of routed, which may not run. Unknown: no.
  bool has_left() {
    const auto replies = session_.run({{"HGETALL", keys_.routing()}}, kDeadline);
    if (!replies) return false;
    const auto routing =
        as_fields(replies->front()).and_then([](const Fields& all) { return RoutingRecord::decode(all); });
    return routing && std::ranges::none_of(routing->families, [&](const auto& entry) {
             return std::ranges::find(entry.second.active, uplink_, &RoutingRecord::Active::uplink) !=
                    entry.second.active.end();
           });
  }

  void tell_it_stays() {
    if (std::exchange(is_told_to_stay_, true)) return;
    std::fputs(cat("multilinkctl: ", uplink_,
                   ": carries the default route all the same: no other uplink can, or routed does not run "
                   "('multilinkctl status')\n")
                   .c_str(),
               stderr);
  }

  std::optional<DrainEnd> end_after(Duration waited, int looks_at_nothing) {
    if (looks_at_nothing >= kLooksAtNothing) return DrainEnd::empty;
    if (session_.is_interrupted()) return DrainEnd::interrupted;
    if (longest_ && waited >= *longest_) return DrainEnd::timeout;
    // While Redis is away nothing ends.
    const auto health = session_.read_health(keys_, kDeadline);
    const auto record = health ? health->find(uplink_) : decltype(health->end()){};
    if (health && record != health->end() && record->second.admin != AdminMode::drained)
      return DrainEnd::no_longer_drained;
    return std::nullopt;
  }

  std::string uplink_;
  RedisKeys keys_;
  AdminSession session_;
  PinnedFlows& flows_;
  std::optional<Duration> longest_;
  bool is_told_to_stay_ = false;
};

}  // namespace

tl::expected<DrainResult, CommandFailure> run_drain(const DrainRequest& request) {
  std::optional<Duration> longest;
  if (!request.timeout.empty()) {
    longest = parse_duration(request.timeout);
    if (!longest || *longest < kShortest || *longest > AdminRecord::kLongest) {
      return refuse(kExitUsage, cat("--timeout: ", quoted(request.timeout),
                                    " is not a time from 1s to 366d; write for example --timeout 10min"));
    }
  }
  const auto parsed = load_config_file(request.order.config);
  if (!parsed.config) {
    CommandFailure failure{kExitConfig, {}};
    for (const auto& problem : parsed.errors) failure.lines.push_back(problem.to_string());
    return tl::unexpected(std::move(failure));
  }
  const auto* uplink = parsed.config->uplink_named(request.order.uplink);
  if (uplink == nullptr) {
    std::vector<std::string> names;
    for (const auto& each : parsed.config->uplinks) names.push_back(each.name);
    return refuse(kExitUsage, cat("drain: no uplink of ", request.order.config, " is called ",
                                  quoted(request.order.uplink), "; there is: ", join(names, ", ")));
  }
  const auto mark = mark_of(*uplink, *parsed.config);
  if (!mark) return refuse(kExitFailure, mark.error().message);
  PinnedFlows flows(*mark);
  // Before anything is ordered: who may not look could not wait either.
  if (const auto tried = flows.count(); !tried) return refuse(kExitFailure, tried.error().message);
  auto source = find_status_source(request.order.config, request.order.redis, kAdminLoginPath);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  const auto ordered = run_admin(AdminMode::drained, request.order);
  if (!ordered) return tl::unexpected(ordered.error());
  std::fputs(cat("multilinkctl: ", *ordered).c_str(), stderr);
  const auto report = Waiting(uplink->name, *std::move(source), flows, longest).run();
  if (!report) return refuse(kExitFailure, report.error().message);
  return DrainResult{request.json ? render_drain_json(*report) : render_drain_text(*report),
                     report->end == DrainEnd::empty ? kExitOk : kExitFlowsLeft};
}

}  // namespace multilink
