// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/explain_command.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/netlink_query.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/core/admin_order.hpp"
#include "multilink/core/explanation.hpp"
#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/health_reader.hpp"

namespace multilink {
namespace {

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

constexpr std::string_view kThisHost = "lo";  ///< as in the configuration: what this host itself sends

/// Why no packet to this address is routed; empty: it is.
std::string_view why_not_routed(const IpAddress& address) {
  constexpr std::string_view kBroadcast = "255.255.255.255";
  if (address.is_multicast()) return "is a multicast address, which is for a link and not for an uplink";
  if (address.to_string() == kBroadcast) return "is for everybody on a link and not for an uplink";
  if (address.is_unspecified()) return "is nobody's address";
  return {};
}

Result<void> read_addresses(const ExplainRequest& request, Flow& flow) {
  const auto destination = IpAddress::parse(request.destination);
  if (!destination) {
    return fail(cat("explain: ", quoted(request.destination),
                    " is not an IPv4 or IPv6 address (names are not looked up); write for example "
                    "203.0.113.9"));
  }
  if (const auto why = why_not_routed(*destination); !why.empty())
    return fail(cat("explain: ", quoted(request.destination), ' ', why, "; give a host's"));
  flow.destination = *destination;
  if (!request.from.empty()) {
    flow.from = IpAddress::parse(request.from);
    if (!flow.from || flow.from->family() != destination->family()) {
      return fail(cat("--from: ", quoted(request.from),
                      " is not an address of the destination's family; write for example --from ",
                      destination->family() == Family::v4 ? "192.168.1.5" : "2001:db8::5"));
    }
  }
  if (request.iif != kThisHost) flow.iif = request.iif;
  flow.oif = request.oif;
  if (!flow.iif.empty() && !flow.from) {
    return fail("--iif: a packet that comes in has a source; say which by --from");
  }
  if (!flow.iif.empty() && !flow.oif.empty()) {
    return fail(
        "--oif: is the device that a socket of this host is bound to; a packet that comes in has none");
  }
  return {};
}

Result<void> read_protocol(const ExplainRequest& request, Flow& flow) {
  if (!request.proto.empty()) {
    flow.ip_protocol = parse_protocol(request.proto);
    if (!flow.ip_protocol) {
      return fail(cat("--proto: ", quoted(request.proto),
                      " is not tcp, udp, icmp or a number from 1 to 255; write for example --proto tcp"));
    }
    if (flow.ip_protocol == ip_protocol::kIcmp && flow.destination.family() == Family::v6)
      flow.ip_protocol = ip_protocol::kIcmpv6;
  }
  if (request.port.empty()) return {};
  const auto port = parse_number<std::uint16_t>(request.port);
  if (!port || *port == 0) {
    return fail(cat("--port: ", quoted(request.port),
                    " is not a port from 1 to 65535; write for example --port 443"));
  }
  if (!flow.ip_protocol || !has_ports(*flow.ip_protocol)) return fail("--port: needs --proto tcp or udp");
  flow.destination_port = *port;
  return {};
}

/// The flow as far as the command line alone tells it.
Result<Flow> read_flow(const ExplainRequest& request) {
  Flow flow;
  if (auto done = read_addresses(request, flow); !done) return tl::unexpected(done.error());
  if (auto done = read_protocol(request, flow); !done) return tl::unexpected(done.error());
  if (request.mark.empty()) return flow;
  const auto mark = parse_mark_number(request.mark);
  if (!mark) {
    return fail(cat("--mark: ", quoted(request.mark),
                    " is not a number, decimal or hexadecimal; write for example --mark 0x1000000"));
  }
  flow.mark = *mark;
  return flow;
}

bool is_own_address(const IpAddress& address, const KernelState& state) {
  return address.is_loopback() ||
         std::any_of(state.addresses.begin(), state.addresses.end(),
                     [&](const LinkAddress& own) { return own.prefix.address == address; });
}

/// A packet with a source that is none of this host's has come in, by the device towards that source. Gives what was
/// assumed, for people. An Error with a code: the kernel's; without: the question's.
Result<std::string> assume_iif(Flow& flow, const KernelState& state, NetlinkQuery& query) {
  if (!flow.from || !flow.iif.empty() || is_own_address(*flow.from, state)) return std::string();
  if (!flow.oif.empty()) {
    return fail(cat("--from: ", flow.from->to_string(),
                    " is no address of this host, so that no socket bound to ", printable(flow.oif),
                    " sends from it; of a packet that comes in, leave --oif out"));
  }
  const auto back = query.state_about(*flow.from);
  if (!back) return tl::unexpected(back.error());
  const auto answer = look_up_route(*back, {.destination = *flow.from});
  const Link* link = answer.hop ? back->link_at(answer.hop->link_index) : nullptr;
  if (link == nullptr || link->loopback) {
    return fail(cat("--from: ", flow.from->to_string(),
                    " is no address of this host, and no route leads to it; say by which device it comes in: "
                    "--iif"));
  }
  flow.iif = link->name;
  return cat("by ", link->name, " since the way to ", flow.from->to_string(), " is there");
}

/// The kernel takes a question that names no protocol to be about UDP: one is named that no rule singles out.
Flow question_of(const Flow& flow, const KernelState& state) {
  if (flow.ip_protocol) return flow;
  const bool v4 = flow.destination.family() == Family::v4;
  const Rule* decides = look_up_route(state, flow).rule;
  for (const auto protocol :
       {v4 ? ip_protocol::kIcmp : ip_protocol::kIcmpv6, ip_protocol::kTcp, ip_protocol::kUdp}) {
    Flow one = flow;
    one.ip_protocol = protocol;
    if (look_up_route(state, one).rule == decides) return one;
  }
  return flow;
}

Result<HealthRecords> read_health(const ExplainRequest& request, const Config& config, Duration deadline) {
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return fail(join(source.error(), "; "));
  const auto boot = read_boot_id();
  if (!boot) return tl::unexpected(boot.error());
  std::vector<std::string> names;
  for (const auto& uplink : config.uplinks) names.push_back(uplink.name);
  const RedisKeys keys(source->site);
  const auto replies = run_on_redis(*source, health_commands(names, keys), deadline);
  if (!replies) return fail(cat(source->redis.to_string(), ": ", replies.error().message));
  QuietLog log;
  Complaints complaints(log);
  auto records = understand_health(names, *replies, keys, complaints, {});
  for (const auto& uplink : config.uplinks) {
    const auto record = records.find(uplink.name);
    if (record != records.end() && !speaks_of(record->second, uplink, *boot)) records.erase(record);
  }
  if (records.empty()) return fail(cat(source->redis.to_string(), ": healthd has said nothing there"));
  return records;
}

int status_of(const Explanation& explanation) {
  if (explanation.checked == Checked::differs) return kExitDiffers;
  if (explanation.checked == Checked::drops) return kExitNowhere;
  return explanation.end == LookupEnd::carried ? kExitCarried : kExitNowhere;
}

}  // namespace

tl::expected<ExplainResult, CommandFailure> run_explain(const ExplainRequest& request, Duration deadline) {
  auto flow = read_flow(request);
  if (!flow) return refuse(kExitUsage, flow.error().message);
  const ParsedConfig parsed = load_config_file(request.config);
  if (!parsed.config) {
    CommandFailure failure{kExitConfig, {}};
    for (const auto& problem : parsed.errors) failure.lines.push_back(problem.to_string());
    return tl::unexpected(failure);
  }
  QuietLog log;
  const RoutingNumbers numbers;
  NetlinkQuery query(log, numbers);
  const auto state = query.state_about(flow->destination);
  if (!state) return refuse(kExitFailure, state.error().message);
  for (const auto& [option, device] : {std::pair("--iif", flow->iif), std::pair("--oif", flow->oif)}) {
    if (device.empty() || state->link_named(device) != nullptr) continue;
    return refuse(kExitUsage, cat(option, ": there is no device ", quoted(device), "; 'ip link' shows them"));
  }
  const auto assumed = assume_iif(*flow, *state, query);
  if (!assumed) {
    return refuse(assumed.error().code == 0 ? kExitUsage : kExitFailure, assumed.error().message);
  }
  auto health = read_health(request, *parsed.config, deadline);
  const Config config = health ? under_orders(*parsed.config, *health) : *parsed.config;
  const auto explanation = explain({config, *state, numbers, *flow, *assumed, std::move(health),
                                    query.ask(question_of(*flow, *state), *state)});
  return ExplainResult{
      request.json ? render_explanation_json(explanation) : render_explanation_text(explanation),
      status_of(explanation)};
}

}  // namespace multilink
