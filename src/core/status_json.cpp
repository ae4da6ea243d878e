// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_json.hpp"

#include <nlohmann/json.hpp>

#include "multilink/core/event_text.hpp"
#include "multilink/core/status_summary.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

using Json = nlohmann::ordered_json;

Json milliseconds(Duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

/// Figures of 0 mean "none" in the records.
Json figure(Duration span) {
  return span == Duration{} ? Json() : milliseconds(span);
}

Json time(WallTime at) {
  const std::string utc = format_utc(at);
  return utc.empty() ? Json() : Json(utc);
}

Json boolean(const Result<bool>& value) {
  return value ? Json(*value) : Json();
}

Json boolean(const std::optional<bool>& value) {
  return value ? Json(*value) : Json();
}

/// An empty text stands for "none" in the records.
Json text(const std::string& value) {
  return value.empty() ? Json() : Json(value);
}

Json address(const std::optional<IpAddress>& value) {
  return value ? Json(value->to_string()) : Json();
}

void add_health(Json& out, const UplinkStatus& uplink, Family family) {
  const auto* health = family_health(uplink, family);
  out["state"] = to_string(health != nullptr ? health->state : HealthState::unknown);
  out["since"] = health != nullptr ? time(health->since) : Json();
  out["reason"] = reason_of(uplink, family);
  out["event"] = health != nullptr ? text(health->event) : Json();
  const bool measured = health != nullptr && health->probes > 0;
  out["probes"] = health != nullptr ? health->probes : 0;
  out["loss"] = measured ? Json(health->loss) : Json();
  out["rtt_ms"] = measured ? figure(health->rtt) : Json();
  out["jitter_ms"] = measured ? figure(health->jitter) : Json();
  out["answers"] = health != nullptr ? Json(health->answers) : Json();
  out["damping_ms"] = health != nullptr ? Json(milliseconds(health->damping)) : Json();
  out["baseline"] = health != nullptr ? Json(health->baseline) : Json();
  out["targets_set_aside"] = Json::array();
  if (health == nullptr) return;
  for (const auto& target : health->aside) out["targets_set_aside"].push_back(target.to_string());
}

void add_link(Json& out, const UplinkStatus& uplink, Family family) {
  out["link"] = Json();
  out["addresses"] = Json::array();
  out["gateway"] = Json();
  if (!uplink.link) return;
  const auto found = uplink.link->families.find(family);
  if (found == uplink.link->families.end()) return;
  out["link"] = to_string(found->second.fact);
  for (const auto& each : found->second.addresses) out["addresses"].push_back(each.to_string());
  out["gateway"] = address(found->second.gateway);
}

Json recent_probes(const UplinkStatus& uplink, Family family) {
  const auto found = uplink.recent.find(family);
  if (found == uplink.recent.end()) return {};
  const ProbeRecord& last = found->second.last;
  const bool answered = last.outcome == Outcome::answered;
  return {{"settled", found->second.settled},
          {"lost", found->second.lost},
          {"last",
           {{"sent", time(last.sent_wall)},
            {"target", last.target.to_string()},
            {"answered", answered},
            {"rtt_ms", answered ? milliseconds(last.rtt) : Json()}}}};
}

Json family_status(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family) {
  Json out;
  const auto usable = uplink.usable_in.find(family);
  out["status"] = usable == uplink.usable_in.end() ? Json() : boolean(usable->second);
  out["carries_default"] = boolean(carries_default(snapshot, uplink.name, family));
  add_health(out, uplink, family);
  add_link(out, uplink, family);
  out["recent_probes"] = recent_probes(uplink, family);
  return out;
}

Json proxy_status(const UplinkStatus& uplink) {
  if (!uplink.proxy) return {};
  const auto& parent = uplink.proxy->parent;
  return {{"usable", uplink.proxy->usable},
          {"share", uplink.proxy->share},
          {"choices", uplink.proxy->choices},
          {"requests", parent ? Json(parent->requests) : Json()},
          {"errors", parent ? Json(parent->errors) : Json()}};
}

Json uplink_status(const StatusSnapshot& snapshot, const UplinkStatus& uplink) {
  Json out;
  out["name"] = uplink.name;
  out["device"] = uplink.link ? Json(uplink.link->device) : Json();
  out["carrier"] = uplink.link ? Json(uplink.link->carrier) : Json();
  out["status"] = boolean(uplink.usable);
  out["precedence"] = uplink.health ? Json(uplink.health->precedence) : Json();
  out["weight"] = uplink.health ? Json(uplink.health->weight) : Json();
  out["enabled"] = uplink.health ? Json(uplink.health->enabled) : Json();
  const bool is_ordered = uplink.health && uplink.health->admin != AdminMode::none;
  out["admin"] = is_ordered ? Json(to_string(uplink.health->admin)) : Json();
  out["admin_until"] =
      is_ordered && uplink.health->admin_until ? Json(format_utc(*uplink.health->admin_until)) : Json();
  out["proxy"] = proxy_status(uplink);
  for (const Family family : kFamilies) {
    out["families"][std::string(to_string(family))] = family_status(snapshot, uplink, family);
  }
  return out;
}

Json drill_of(const RoutingRecord& routing) {
  if (routing.drill.empty()) return {};
  return {{"uplink", routing.drill},
          {"until", routing.drill_until ? Json(format_utc(*routing.drill_until)) : Json()}};
}

Json routing_status(const StatusSnapshot& snapshot) {
  if (!snapshot.routing) return {};
  Json out{{"sync", snapshot.routing->sync},
           {"warnings", snapshot.routing->warnings},
           {"drill", drill_of(*snapshot.routing)},
           {"families", Json::object()}};
  for (const auto& [family, routing] : snapshot.routing->families) {
    Json active = Json::array();
    for (const auto& each : routing.active) {
      active.push_back({{"uplink", each.uplink},
                        {"device", each.device},
                        {"gateway", address(each.gateway)},
                        {"weight", each.weight}});
    }
    Json policies = Json::object();
    for (const auto& [policy, uplink] : routing.policies) policies[policy] = text(uplink);
    out["families"][std::string(to_string(family))] = {
        {"active", active},
        {"since", time(routing.since)},
        {"event", text(routing.event)},
        {"decided_to_kernel_ms",
         routing.decided_to_kernel ? milliseconds(*routing.decided_to_kernel) : Json()},
        {"chain_ms", routing.chain ? milliseconds(*routing.chain) : Json()},
        {"policies", policies}};
  }
  return out;
}

Json daemon_status(const DaemonStatus& daemon) {
  if (!daemon.record) {
    return {{"name", daemon.name}, {"reports", false}, {"reason", daemon.record.error().message}};
  }
  return {{"name", daemon.name},
          {"reports", true},
          {"pid", daemon.record->pid},
          {"version", daemon.record->version},
          {"started", time(daemon.record->started)},
          {"config_hash", daemon.record->config_hash}};
}

Json event_status(const EventRecord& event) {
  return {{"id", event.id},
          {"at", time(event.at)},
          {"source", event.source},
          {"kind", event.kind},
          {"uplink", text(event.uplink)},
          {"family", event.family ? Json(to_string(*event.family)) : Json()},
          {"from", text(event.from)},
          {"to", text(event.to)},
          {"reason", event.reason},
          {"took_ms", event.took ? milliseconds(*event.took) : Json()},
          {"chain_ms", event.chain ? milliseconds(*event.chain) : Json()}};
}

}  // namespace

std::string render_status_json(const StatusSnapshot& snapshot) {
  const StatusSummary summary = summarize(snapshot);
  Json out;
  out["version"] = kStatusJsonVersion;
  out["site"] = snapshot.site;
  out["at"] = time(snapshot.at);
  out["summary"] = {
      {"level", to_string(summary.level)}, {"sentence", summary.sentence}, {"findings", summary.findings}};
  out["uplinks"] = Json::array();
  for (const auto& uplink : snapshot.uplinks) out["uplinks"].push_back(uplink_status(snapshot, uplink));
  out["routing"] = routing_status(snapshot);
  out["daemons"] = Json::array();
  for (const auto& daemon : snapshot.daemons) out["daemons"].push_back(daemon_status(daemon));
  out["events"] = Json::array();
  for (const auto& event : snapshot.events) out["events"].push_back(event_status(event));
  out["problems"] = Json::array();
  for (const auto& problem : snapshot.problems) {
    out["problems"].push_back({{"where", problem.where}, {"reason", problem.reason}});
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string render_event_json(const EventRecord& event) {
  return event_status(event).dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string render_unavailable_json(std::string_view reason) {
  const Json out{{"version", kStatusJsonVersion}, {"unavailable", reason}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace multilink
