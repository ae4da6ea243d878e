// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_metrics.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array kStates{HealthState::unknown, HealthState::up, HealthState::suspect, HealthState::down};
constexpr int kDigits = 9;      // nanoseconds
constexpr int kTimeDigits = 3;  // what a double has left of a time since 1970 is less than a microsecond

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// OpenMetrics 1.0, "escaped-string".
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text, 200)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

/// One family of gauges and its samples.
class Gauge {
 public:
  Gauge(std::string_view name, std::string_view unit, std::string_view help) : name_(name) {
    head_ = cat("# TYPE ", name, " gauge\n");
    if (!unit.empty()) head_ += cat("# UNIT ", name, ' ', unit, '\n');
    head_ += cat("# HELP ", name, ' ', help, '\n');
  }

  void add(const Labels& labels, double value) { add_text(labels, format_decimal(value, kDigits)); }
  void add(const Labels& labels, bool value) { add(labels, value ? 1.0 : 0.0); }
  /// In seconds since 1970.
  void add(const Labels& labels, WallTime at) {
    add_text(labels,
             format_decimal(std::chrono::duration<double>(at.time_since_epoch()).count(), kTimeDigits));
  }

  std::string text() const { return samples_.empty() ? std::string() : head_ + samples_; }

 private:
  void add_text(const Labels& labels, std::string_view value) {
    samples_ += name_;
    if (!labels.empty()) {
      std::string_view before = "{";
      for (const auto& [label, text] : labels) {
        samples_ += cat(std::exchange(before, ","), label, "=\"", escaped(text), '"');
      }
      samples_ += '}';
    }
    samples_ += cat(' ', value, '\n');
  }

  std::string_view name_;
  std::string head_;
  std::string samples_;
};

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

std::string of_uplinks(const StatusSnapshot& snapshot) {
  Gauge usable("multilink_uplink_usable", "", "Whether traffic may use the uplink in this family.");
  Gauge carries(
      "multilink_uplink_carries_default", "",
      "Whether the default route in force, as read back from the kernel, leads through the uplink.");
  Gauge state("multilink_uplink_state", "", "1 for the state that the uplink is in, 0 for the others.");
  Gauge since("multilink_uplink_state_since_timestamp_seconds", "seconds",
              "When the state began, since 1970.");
  Gauge loss("multilink_uplink_loss_ratio", "ratio", "Lost probes over the loss window.");
  Gauge rtt("multilink_uplink_rtt_seconds", "seconds", "Mean round-trip time over the loss window.");
  Gauge jitter("multilink_uplink_jitter_seconds", "seconds",
               "Mean difference of successive round-trip times over the loss window.");
  Gauge baseline("multilink_uplink_baseline_loss_ratio", "ratio", "Lost probes in calm times.");
  Gauge damping("multilink_uplink_damping_seconds", "seconds",
                "Clean time that flap damping asks for before the uplink is used again.");
  Gauge aside("multilink_uplink_targets_set_aside", "", "Probe targets that count for nothing for now.");
  Gauge precedence("multilink_uplink_precedence", "", "As configured: 1 is the best.");
  Gauge weight("multilink_uplink_weight", "", "As configured: the share within equal precedence.");
  Gauge enabled("multilink_uplink_enabled", "", "As configured, and not disabled by the administrator.");
  Gauge drained("multilink_uplink_drained", "", "Drained by the administrator: nothing new goes by it.");
  Gauge until("multilink_uplink_admin_until_timestamp_seconds", "seconds",
              "When the administrator's order ends by itself.");
  for (const auto& uplink : snapshot.uplinks) {
    if (uplink.health) {
      precedence.add({{"uplink", uplink.name}}, static_cast<double>(uplink.health->precedence));
      weight.add({{"uplink", uplink.name}}, static_cast<double>(uplink.health->weight));
      enabled.add({{"uplink", uplink.name}}, uplink.health->enabled);
      drained.add({{"uplink", uplink.name}}, uplink.health->admin == AdminMode::drained);
      if (uplink.health->admin_until) until.add({{"uplink", uplink.name}}, *uplink.health->admin_until);
    }
    for (const Family family : families_shown(uplink)) {
      const std::string version = cat("ipv", to_string(family));
      const Labels labels{{"uplink", uplink.name}, {"family", version}};
      const auto status = uplink.usable_in.find(family);
      if (status != uplink.usable_in.end() && status->second) usable.add(labels, *status->second);
      if (const auto in_force = carries_default(snapshot, uplink.name, family))
        carries.add(labels, *in_force);
      const auto* health = family_health(uplink, family);
      if (health == nullptr) continue;
      for (const auto each : kStates) {
        Labels with_state = labels;
        with_state.emplace_back("state", to_string(each));
        state.add(with_state, each == health->state);
      }
      since.add(labels, health->since);
      if (health->probes > 0) loss.add(labels, health->loss);
      if (health->rtt > Duration{}) rtt.add(labels, seconds(health->rtt));
      if (health->jitter > Duration{}) jitter.add(labels, seconds(health->jitter));
      baseline.add(labels, health->baseline);
      damping.add(labels, seconds(health->damping));
      aside.add(labels, static_cast<double>(health->aside.size()));
    }
  }
  std::string out;
  for (const auto* gauge : {&usable, &carries, &state, &since, &loss, &rtt, &jitter, &baseline, &damping,
                            &aside, &precedence, &weight, &enabled, &drained, &until}) {
    out += gauge->text();
  }
  return out;
}

std::string of_routing(const StatusSnapshot& snapshot) {
  if (!snapshot.routing) return {};
  Gauge sync("multilink_routing_in_sync", "", "Whether the kernel has taken all that routed wants.");
  Gauge switched("multilink_routing_switched_timestamp_seconds", "seconds",
                 "When the default route last moved, since 1970.");
  Gauge chain("multilink_routing_chain_seconds", "seconds",
              "Of the last move: from the outcome of the deciding probe to the kernel's new route.");
  Gauge warnings("multilink_host_warnings", "",
                 "Settings of this host that keep legitimate traffic from flowing.");
  Gauge drill("multilink_routing_drill", "", "A drill makes this uplink a black hole.");
  if (!snapshot.routing->drill.empty()) drill.add({{"uplink", snapshot.routing->drill}}, true);
  sync.add({}, snapshot.routing->sync == "in_sync");
  warnings.add({}, static_cast<double>(snapshot.routing->warnings.size()));
  for (const auto& [family, routing] : snapshot.routing->families) {
    const std::string version = cat("ipv", to_string(family));
    const Labels labels{{"family", version}};
    const bool has_carried = !routing.active.empty() || !routing.event.empty();
    if (has_carried && routing.since != WallTime{}) switched.add(labels, routing.since);
    if (routing.chain) chain.add(labels, seconds(*routing.chain));
  }
  return sync.text() + switched.text() + chain.text() + warnings.text() + drill.text();
}

std::string of_daemons(const StatusSnapshot& snapshot) {
  Gauge reports("multilink_daemon_reports", "", "Whether the daemon has reported lately that it lives.");
  Gauge started("multilink_daemon_start_timestamp_seconds", "seconds",
                "When the daemon was started, since 1970.");
  for (const auto& daemon : snapshot.daemons) {
    reports.add({{"daemon", daemon.name}}, daemon.record.has_value());
    if (daemon.record) started.add({{"daemon", daemon.name}}, daemon.record->started);
  }
  return reports.text() + started.text();
}

}  // namespace

std::string render_status_metrics(const StatusSnapshot& snapshot) {
  Gauge refused("multilink_refused_records", "", "Records in Redis that were refused at this reading.");
  Gauge config("multilink_config_refused", "", "Whether the configuration file is refused.");
  refused.add({}, static_cast<double>(snapshot.problems.size()));
  config.add({}, !snapshot.config_problems.empty());
  return cat(of_uplinks(snapshot), of_routing(snapshot), of_daemons(snapshot), refused.text(), config.text(),
             "# EOF\n");
}

}  // namespace multilink
