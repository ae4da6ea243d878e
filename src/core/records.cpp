// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/records.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "multilink/core/flap_penalty.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array kLinkFacts{
    std::pair{LinkFact::ok, std::string_view("ok")},
    std::pair{LinkFact::no_device, std::string_view("no_device")},
    std::pair{LinkFact::admin_down, std::string_view("admin_down")},
    std::pair{LinkFact::no_carrier, std::string_view("no_carrier")},
    std::pair{LinkFact::no_address, std::string_view("no_address")},
    std::pair{LinkFact::no_gateway, std::string_view("no_gateway")},
};
constexpr std::array kHealthStates{
    std::pair{HealthState::unknown, std::string_view("unknown")},
    std::pair{HealthState::up, std::string_view("up")},
    std::pair{HealthState::suspect, std::string_view("suspect")},
    std::pair{HealthState::down, std::string_view("down")},
};
constexpr std::array kAdminModes{
    std::pair{AdminMode::none, std::string_view("")},
    std::pair{AdminMode::disabled, std::string_view("disabled")},
    std::pair{AdminMode::drained, std::string_view("drained")},
};

template <class Table, class Value>
std::string_view token_of(const Table& table, Value value) {
  return std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == value; })
      ->second;
}

template <class Table>
auto value_of(const Table& table, std::string_view token) -> std::optional<decltype(table[0].first)> {
  for (const auto& [value, name] : table) {
    if (name == token) return value;
  }
  return std::nullopt;
}

constexpr unsigned kMaxPrecedence = 1'000'000;
constexpr unsigned kMaxWeight = 256;
constexpr int kMaxPid = 4'194'304;  // PID_MAX_LIMIT of Linux

std::string encode_addresses(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> out;
  for (const auto& address : addresses) {
    if (out.size() < kMaxAddresses) out.push_back(address.to_string());
  }
  return join(out, " ");
}

std::optional<IpAddress> parse_address_of(Family family, std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address && address->family() == family ? address : std::nullopt;
}

std::optional<std::vector<IpAddress>> parse_addresses(Family family, std::string_view text) {
  std::vector<IpAddress> out;
  if (text.empty()) return out;
  for (const auto word : split(text, ' ')) {
    const auto address = parse_address_of(family, word);
    if (!address || out.size() == kMaxAddresses) return std::nullopt;
    out.push_back(*address);
  }
  return out;
}

/// "" is no gateway; the outer optional says whether the text is right.
std::optional<std::optional<IpAddress>> parse_gateway(Family family, std::string_view text) {
  if (text.empty()) return std::optional<IpAddress>();
  const auto address = parse_address_of(family, text);
  if (!address) return std::nullopt;
  return address;
}

std::string encode_gateway(const std::optional<IpAddress>& gateway) {
  return gateway ? gateway->to_string() : std::string();
}

/// "uplink/device/weight/gateway", the gateway empty on a point-to-point link.
std::optional<RoutingRecord::Active> parse_active(Family family, std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() != 4 || !is_name(parts[0]) || !is_name(parts[1])) return std::nullopt;
  const auto weight = parse_number<unsigned>(parts[2]);
  const auto gateway = parse_gateway(family, parts[3]);
  if (!weight || *weight < 1 || *weight > kMaxWeight || !gateway) return std::nullopt;
  return RoutingRecord::Active{std::string(parts[0]), std::string(parts[1]), *gateway, *weight};
}

std::optional<std::vector<RoutingRecord::Active>> parse_all_active(Family family, std::string_view text) {
  std::vector<RoutingRecord::Active> out;
  if (text.empty()) return out;
  for (const auto word : split(text, ' ')) {
    auto active = parse_active(family, word);
    if (!active || out.size() == kMaxActive) return std::nullopt;
    out.push_back(*std::move(active));
  }
  return out;
}

std::string encode_all_active(const std::vector<RoutingRecord::Active>& all) {
  std::vector<std::string> out;
  for (const auto& active : all) {
    if (out.size() == kMaxActive) break;
    out.push_back(
        cat(active.uplink, '/', active.device, '/', active.weight, '/', encode_gateway(active.gateway)));
  }
  return join(out, " ");
}

/// "policy/uplink", the uplink empty where the traffic is refused.
std::optional<std::map<std::string, std::string>> parse_policies(std::string_view text) {
  std::map<std::string, std::string> out;
  if (text.empty()) return out;
  for (const auto word : split(text, ' ')) {
    const auto parts = split(word, '/');
    if (parts.size() != 2 || !is_name(parts[0]) || !(parts[1].empty() || is_name(parts[1])))
      return std::nullopt;
    if (out.size() == kMaxPolicies || !out.emplace(parts[0], parts[1]).second) return std::nullopt;
  }
  return out;
}

std::string encode_policies(const std::map<std::string, std::string>& policies) {
  std::vector<std::string> out;
  for (const auto& [policy, uplink] : policies) {
    if (out.size() < kMaxPolicies) out.push_back(cat(policy, '/', uplink));
  }
  return join(out, " ");
}

bool is_config_hash(std::string_view text) {
  return text.size() == 16 && is_boot_id(text.substr(0, 8)) && is_boot_id(text.substr(8));
}

}  // namespace

std::string_view to_string(LinkFact fact) {
  return token_of(kLinkFacts, fact);
}

std::optional<LinkFact> parse_link_fact(std::string_view token) {
  return value_of(kLinkFacts, token);
}

std::string_view to_string(HealthState state) {
  return token_of(kHealthStates, state);
}

std::optional<HealthState> parse_health_state(std::string_view token) {
  return value_of(kHealthStates, token);
}

std::string_view to_string(AdminMode mode) {
  return token_of(kAdminModes, mode);
}

std::optional<AdminMode> parse_admin_mode(std::string_view token) {
  return value_of(kAdminModes, token);
}

Fields LinkRecord::encode() const {
  Fields out{{"device", device},
             {"boot", boot},
             {"carrier", carrier ? "1" : "0"},
             {"since", encode_wall(since)},
             {"written_ns", encode_mono(written)},
             {"families", encode_families(families)}};
  for (const auto& [family, seen] : families) {
    out[family_field(family, "fact")] = to_string(seen.fact);
    out[family_field(family, "addresses")] = encode_addresses(seen.addresses);
    out[family_field(family, "gateway")] = encode_gateway(seen.gateway);
  }
  return out;
}

Result<LinkRecord> LinkRecord::decode(const Fields& fields) {
  FieldReader reader("link record", fields);
  LinkRecord out;
  out.device = reader.name("device");
  out.boot = reader.boot("boot");
  out.carrier = reader.flag("carrier");
  out.since = reader.wall("since");
  out.written = reader.mono("written_ns");
  for (const Family family : reader.families()) {
    auto& seen = out.families[family];
    seen.fact = reader.parsed(family_field(family, "fact"), "a fact about a link", parse_link_fact);
    seen.addresses = reader.parsed(family_field(family, "addresses"), "a list of addresses of its family",
                                   [&](std::string_view text) { return parse_addresses(family, text); });
    seen.gateway = reader.parsed(family_field(family, "gateway"), "an address of its family, or empty",
                                 [&](std::string_view text) { return parse_gateway(family, text); });
  }
  return reader.finish(std::move(out));
}

Fields HealthRecord::encode() const {
  Fields out{{"device", device},      {"precedence", cat(precedence)},
             {"weight", cat(weight)}, {"enabled", enabled ? "1" : "0"},
             {"boot", boot},          {"families", encode_families(families)}};
  out["written_ns"] = encode_mono(written);
  out["admin"] = to_string(admin);
  out["admin_until"] = admin_until ? encode_wall(*admin_until) : "";
  for (const auto& [family, seen] : families) {
    out[family_field(family, "state")] = to_string(seen.state);
    out[family_field(family, "since")] = encode_wall(seen.since);
    out[family_field(family, "reason")] = to_plain_text(seen.reason);
    out[family_field(family, "event")] = seen.event;
    out[family_field(family, "loss")] = format_decimal(seen.loss, 6);
    out[family_field(family, "probes")] = cat(seen.probes);
    out[family_field(family, "rtt_us")] = encode_microseconds(seen.rtt);
    out[family_field(family, "jitter_us")] = encode_microseconds(seen.jitter);
    out[family_field(family, "answers")] = seen.answers ? "1" : "0";
    out[family_field(family, "baseline")] = format_decimal(seen.baseline, 6);
    out[family_field(family, "aside")] = encode_addresses(seen.aside);
    out[family_field(family, "decided_ns")] = encode_mono(seen.decided);
    out[family_field(family, "entered_ns")] = encode_mono(seen.entered);
    out[family_field(family, "forgiven_ns")] = encode_mono(seen.forgiven);
    out[family_field(family, "damping_us")] = encode_microseconds(seen.damping);
  }
  return out;
}

Result<HealthRecord> HealthRecord::decode(const Fields& fields) {
  FieldReader reader("health record", fields);
  HealthRecord out;
  out.device = reader.name("device");
  out.precedence = reader.number<unsigned>("precedence", 1, kMaxPrecedence);
  out.weight = reader.number<unsigned>("weight", 1, kMaxWeight);
  out.enabled = reader.flag("enabled");
  out.boot = reader.boot("boot");
  out.written = reader.mono("written_ns");
  out.admin = reader.parsed("admin", "empty or an order of the administrator", parse_admin_mode);
  out.admin_until = reader.wall_or_none("admin_until");
  for (const Family family : reader.families()) {
    auto& seen = out.families[family];
    seen.state = reader.parsed(family_field(family, "state"), "a state of health", parse_health_state);
    seen.since = reader.wall(family_field(family, "since"));
    seen.reason = reader.text(family_field(family, "reason"));
    seen.event = reader.event_or_empty(family_field(family, "event"));
    seen.loss = reader.ratio(family_field(family, "loss"));
    seen.probes = reader.number<unsigned>(family_field(family, "probes"), 0, UINT32_MAX);
    seen.rtt = reader.microseconds(family_field(family, "rtt_us"));
    seen.jitter = reader.microseconds(family_field(family, "jitter_us"));
    seen.answers = reader.flag(family_field(family, "answers"));
    seen.baseline = reader.ratio(family_field(family, "baseline"));
    seen.aside = reader.parsed(family_field(family, "aside"), "a list of addresses of its family",
                               [&](std::string_view text) { return parse_addresses(family, text); });
    seen.decided = reader.mono_or_none(family_field(family, "decided_ns"));
    seen.entered = reader.mono_or_none(family_field(family, "entered_ns"));
    seen.forgiven = reader.mono_or_none(family_field(family, "forgiven_ns"), FlapPenalty::kLongestForgiven);
    seen.damping = reader.microseconds(family_field(family, "damping_us"));
  }
  return reader.finish(std::move(out));
}

namespace {

constexpr std::string_view kBetweenTexts = " | ";

std::string encode_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts) {
    if (out.size() == kMaxWarnings) break;
    std::string plain = to_plain_text(text);
    std::replace(plain.begin(), plain.end(), '|', '/');
    if (!plain.empty()) out.push_back(std::move(plain));
  }
  return join(out, kBetweenTexts);
}

std::optional<std::vector<std::string>> parse_texts(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(kBetweenTexts), text.size());
    const auto one = text.substr(0, end);
    const bool is_last = end == text.size();
    text.remove_prefix(is_last ? end : end + kBetweenTexts.size());
    if (one.empty() || one.size() > kMaxText || !is_plain_text(one) || out.size() == kMaxWarnings ||
        (text.empty() && !is_last)) {
      return std::nullopt;
    }
    out.emplace_back(one);
  }
  return out;
}

}  // namespace

Fields RoutingRecord::encode() const {
  Fields out{{"sync", to_plain_text(sync)},
             {"families", encode_families(families)},
             {"warnings", encode_texts(warnings)},
             {"drill", drill},
             {"drill_until", drill_until ? encode_wall(*drill_until) : ""}};
  for (const auto& [family, seen] : families) {
    out[family_field(family, "active")] = encode_all_active(seen.active);
    out[family_field(family, "since")] = encode_wall(seen.since);
    out[family_field(family, "event")] = seen.event;
    out[family_field(family, "decided_to_kernel_us")] = encode_microseconds(seen.decided_to_kernel);
    out[family_field(family, "chain_us")] = encode_microseconds(seen.chain);
    out[family_field(family, "policies")] = encode_policies(seen.policies);
  }
  return out;
}

Result<RoutingRecord> RoutingRecord::decode(const Fields& fields) {
  FieldReader reader("routing record", fields);
  RoutingRecord out;
  out.sync = reader.text("sync");
  out.warnings =
      reader.parsed("warnings", cat("at most ", kMaxWarnings, " texts with ' | ' between two"), parse_texts);
  out.drill = reader.text_if("drill", "empty or a name",
                             [](std::string_view text) { return text.empty() || is_name(text); });
  out.drill_until = reader.wall_or_none("drill_until");
  for (const Family family : reader.families()) {
    auto& seen = out.families[family];
    seen.active = reader.parsed(family_field(family, "active"), "a list of uplink/device/weight/gateway",
                                [&](std::string_view text) { return parse_all_active(family, text); });
    seen.since = reader.wall(family_field(family, "since"));
    seen.event = reader.event_or_empty(family_field(family, "event"));
    seen.decided_to_kernel = reader.microseconds_or_none(family_field(family, "decided_to_kernel_us"));
    seen.chain = reader.microseconds_or_none(family_field(family, "chain_us"));
    seen.policies =
        reader.parsed(family_field(family, "policies"), "a list of policy/uplink", parse_policies);
  }
  return reader.finish(std::move(out));
}

std::string EventRecord::make_id(std::string_view boot, MonoTime at) {
  std::array<char, 16> digits{};
  const auto ns = static_cast<std::uint64_t>(at.time_since_epoch().count());
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), ns, 16).ptr;
  return cat(boot, '-', std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

Fields EventRecord::encode() const {
  return {{"id", id},
          {"at", encode_wall(at)},
          {"source", source},
          {"kind", kind},
          {"uplink", uplink},
          {"family", family ? std::string(to_string(*family)) : std::string()},
          {"from", to_plain_text(from)},
          {"to", to_plain_text(to)},
          {"reason", to_plain_text(reason)},
          {"took_us", encode_microseconds(took)},
          {"decided_ns", encode_mono(decided)},
          {"chain_us", encode_microseconds(chain)}};
}

Result<EventRecord> EventRecord::decode(const Fields& fields) {
  FieldReader reader("event", fields);
  EventRecord out;
  out.id = reader.text_if("id", "an event id", is_event_id);
  out.at = reader.wall("at");
  out.source = reader.name("source");
  out.kind = reader.name("kind");
  out.uplink = reader.text_if("uplink", "a name, or empty",
                              [](std::string_view text) { return text.empty() || is_name(text); });
  out.family = reader.parsed("family", "4, 6 or empty",
                             [](std::string_view text) -> std::optional<std::optional<Family>> {
                               if (text.empty()) return std::optional<Family>();
                               const auto token = parse_family(text);
                               if (!token) return std::nullopt;
                               return token;
                             });
  out.from = reader.text("from");
  out.to = reader.text("to");
  out.reason = reader.text("reason");
  out.took = reader.microseconds_or_none("took_us");
  out.decided = reader.mono_or_none("decided_ns");
  out.chain = reader.microseconds_or_none("chain_us");
  return reader.finish(std::move(out));
}

Fields DaemonRecord::encode() const {
  Fields fields{{"pid", cat(pid)},
                {"version", to_plain_text(version)},
                {"started", encode_wall(started)},
                {"config_hash", config_hash}};
  if (stores) fields.emplace("stores", "1");
  if (notifies) fields.emplace("notifies", "1");
  return fields;
}

Result<DaemonRecord> DaemonRecord::decode(const Fields& fields) {
  FieldReader reader("daemon record", fields);
  DaemonRecord out;
  out.pid = reader.number<int>("pid", 1, kMaxPid);
  out.version = reader.text("version");
  out.started = reader.wall("started");
  out.config_hash = reader.text_if("config_hash", "16 hex digits", is_config_hash);
  out.stores = fields.contains("stores");
  out.notifies = fields.contains("notifies");
  return reader.finish(std::move(out));
}

}  // namespace multilink
