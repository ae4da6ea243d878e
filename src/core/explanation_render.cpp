// SPDX-License-Identifier: GPL-2.0-or-later
#include <nlohmann/json.hpp>

#include "multilink/core/explanation.hpp"
#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLabelWidth = 9;
constexpr std::size_t kMostText = 200;  // bytes of one untrusted text on a line

std::string safe(std::string_view text) {
  return printable(text, kMostText);
}

std::string flow_words(const Flow& flow) {
  std::string out = cat("to ", flow.destination.to_string());
  if (flow.from) out += cat(" from ", flow.from->to_string());
  out += flow.iif.empty() ? ", sent by this host" : cat(", coming in by ", flow.iif);
  if (!flow.oif.empty()) out += cat(" from a socket bound to ", flow.oif);
  if (flow.ip_protocol) out += cat(", ", protocol_name(*flow.ip_protocol));
  if (flow.destination_port != 0) out += cat(" port ", flow.destination_port);
  if (flow.mark != 0) out += cat(", mark ", hexadecimal(flow.mark));
  return out;
}

bool stays_here(const Explanation& explanation) {
  return explanation.by == DecidedBy::this_host && explanation.device.empty();
}

std::string result_words(const Explanation& explanation) {
  if (stays_here(explanation)) return "stays on this host";
  switch (explanation.end) {
    case LookupEnd::carried:
      break;
    case LookupEnd::no_route:
      return "nowhere: there is no route (Network is unreachable)";
    case LookupEnd::unreachable:
      return "nowhere: it is refused (No route to host)";
    case LookupEnd::blackhole:
      return "nowhere: it is dropped without a word (blackhole)";
    case LookupEnd::prohibited:
      return "nowhere: it is prohibited (Permission denied)";
  }
  const auto gateway = explanation.gateway ? cat(" via ", explanation.gateway->to_string()) : "";
  return cat(device_words(explanation.uplink, explanation.device), gateway);
}

std::string kernel_words(const Explanation& explanation) {
  switch (explanation.checked) {
    case Checked::agrees:
      return cat("says the same: ", explanation.kernel);
    case Checked::differs:
      return cat("SAYS OTHERWISE: ", explanation.kernel);
    case Checked::drops:
      return cat("but ", explanation.kernel);
    case Checked::not_asked:
      break;
  }
  return cat("could not be asked: ", explanation.kernel);
}

std::string_view outcome_words(RuleStep::Outcome outcome) {
  switch (outcome) {
    case RuleStep::Outcome::no_route:
      return "no route there, on to the next";
    case RuleStep::Outcome::suppressed:
      return "but a default there, which it passes over; on to the next";
    case RuleStep::Outcome::decided:
      break;
  }
  return "decides";
}

/// What comes under one label, a line each.
std::string block(std::string_view label, const std::vector<std::string>& lines) {
  std::string out;
  std::string_view first = label;
  for (const auto& line : lines) {
    out += cat("  ", first, std::string(kLabelWidth - first.size(), ' '), safe(line), '\n');
    first = "";
  }
  return out;
}

std::vector<std::string> rule_lines(const Explanation& explanation) {
  std::vector<std::string> out;
  for (const auto& [rule, outcome] : explanation.rules)
    out.push_back(cat(rule, " -- ", outcome_words(outcome)));
  if (explanation.other_rules > 0) {
    out.push_back(cat("(", explanation.other_rules, " before that select other packets)"));
  }
  return out;
}

std::string uplink_table(const Explanation& explanation) {
  std::vector<std::vector<std::string>> rows{{"UPLINK", "DEVICE", "PRECEDENCE", "LINK", "STATE", "REASON"}};
  for (const auto& uplink : explanation.uplinks) {
    rows.push_back({safe(uplink.name), safe(uplink.device), cat(uplink.precedence),
                    uplink.enabled ? std::string(to_string(uplink.fact)) : "disabled",
                    uplink.state ? std::string(to_string(*uplink.state)) : "not known", safe(uplink.reason)});
  }
  return align_columns(rows);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json address(const std::optional<IpAddress>& value) {
  return value ? Json(value->to_string()) : Json();
}

Json packet(const Flow& flow) {
  return {{"destination", flow.destination.to_string()},
          {"from", address(flow.from)},
          {"iif", text_or_null(flow.iif)},
          {"oif", text_or_null(flow.oif)},
          {"protocol", flow.ip_protocol ? Json(*flow.ip_protocol) : Json()},
          {"port", flow.destination_port == 0 ? Json() : Json(flow.destination_port)},
          {"mark", flow.mark}};
}

Json uplink_state(const ExplainedUplink& uplink) {
  return {{"name", uplink.name},
          {"device", uplink.device},
          {"precedence", uplink.precedence},
          {"enabled", uplink.enabled},
          {"drained", uplink.drained},
          {"link", to_string(uplink.fact)},
          {"state", uplink.state ? Json(to_string(*uplink.state)) : Json()},
          {"reason", text_or_null(uplink.reason)}};
}

Json alternative(const Alternative& other) {
  return {{"result", other.end == LookupEnd::carried ? "carried" : "refused"},
          {"uplink", text_or_null(other.uplink)},
          {"device", text_or_null(other.device)},
          {"gateway", address(other.gateway)},
          {"text", other.text}};
}

}  // namespace

std::string render_explanation_text(const Explanation& explanation) {
  std::string out = cat("A packet ", safe(flow_words(explanation.flow)));
  if (!explanation.assumed.empty()) out += cat(" (", safe(explanation.assumed), ')');
  out += "\n\n";
  out += block("goes", {result_words(explanation)});
  out += block("because", explanation.because);
  out += block("rules", rule_lines(explanation));
  if (!explanation.route.empty()) out += block("route", {explanation.route});
  out += block("kernel", {kernel_words(explanation)});
  if (explanation.if_it_died) {
    out += block("failover", {cat("if ", explanation.uplink, " died: ", explanation.if_it_died->text)});
  }
  out += cat('\n', uplink_table(explanation));
  if (!explanation.health_problem.empty()) {
    out += cat("The health of the uplinks is not known: ", safe(explanation.health_problem), '\n');
  }
  return out;
}

std::string render_explanation_json(const Explanation& explanation) {
  Json out;
  out["version"] = kExplanationJsonVersion;
  out["packet"] = packet(explanation.flow);
  out["assumed"] = text_or_null(explanation.assumed);
  out["result"] = stays_here(explanation) ? "local" : "carried";
  if (explanation.end != LookupEnd::carried) out["result"] = "refused";
  out["decided_by"] = to_string(explanation.by);
  out["uplink"] = text_or_null(explanation.uplink);
  out["policy"] = text_or_null(explanation.policy);
  out["device"] = text_or_null(explanation.device);
  out["gateway"] = address(explanation.gateway);
  out["table"] = explanation.table ? Json(*explanation.table) : Json();
  out["rules"] = Json::array();
  for (const auto& [rule, outcome] : explanation.rules) {
    out["rules"].push_back({{"rule", rule}, {"outcome", to_string(outcome)}});
  }
  out["other_rules"] = explanation.other_rules;
  out["route"] = text_or_null(explanation.route);
  out["because"] = explanation.because;
  out["kernel"] = {{"check", to_string(explanation.checked)}, {"answer", explanation.kernel}};
  out["if_it_died"] = explanation.if_it_died ? alternative(*explanation.if_it_died) : Json();
  out["health_problem"] = text_or_null(explanation.health_problem);
  out["uplinks"] = Json::array();
  for (const auto& uplink : explanation.uplinks) out["uplinks"].push_back(uplink_state(uplink));
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace multilink
