// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/docker_forwarding.hpp"

#include <algorithm>
#include <array>

#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Of chains, or of devices: docker0, and br- and twelve digits for each further network.
bool is_of_docker(std::string_view rule) {
  constexpr std::array<std::string_view, 3> kNames{"DOCKER", "\"docker", "\"br-"};
  return std::ranges::any_of(kNames, [&](std::string_view name) { return contains(rule, name); });
}

bool lets_through(std::string_view rule) {
  constexpr std::array<std::string_view, 3> kVerdicts{"accept", "jump ", "goto "};
  return std::ranges::any_of(kVerdicts, [&](std::string_view verdict) { return contains(rule, verdict); });
}

bool administrator_lets_through(std::string_view chain) {
  return std::ranges::any_of(split(chain, '\n'), [](std::string_view rule) {
    return !contains(rule, "policy ") && !is_of_docker(rule) && lets_through(rule);
  });
}

/// A link with an IPv4 address that is neither an uplink nor Docker's; empty: there is none.
std::string find_lan(const Config& config, const KernelState& state) {
  const auto is_uplink = [&](const Link& link) {
    return std::ranges::any_of(config.uplinks, [&](const UplinkConfig& uplink) {
      const Link* own = find_uplink_link(uplink, state);
      return own != nullptr && own->index == link.index;
    });
  };
  const auto has_address = [&](const Link& link) {
    return std::ranges::any_of(state.addresses, [&](const LinkAddress& address) {
      return address.link_index == link.index && address.prefix.address.family() == Family::v4;
    });
  };
  const auto found = std::ranges::find_if(state.links, [&](const Link& link) {
    return !link.loopback && !link.point_to_point && link.carrier && !is_of_docker(cat('"', link.name)) &&
           !is_uplink(link) && has_address(link);
  });
  return found == state.links.end() ? std::string() : found->name;
}

}  // namespace

std::string docker_stops_lan(const Config& config, const KernelState& state, std::string_view forward,
                             std::string_view docker_user) {
  if (!contains(forward, "policy drop") || !contains(forward, "jump DOCKER-USER")) return {};
  if (administrator_lets_through(forward) || administrator_lets_through(docker_user)) return {};
  const auto lan = find_lan(config, state);
  if (lan.empty() || config.uplinks.empty()) return {};
  return cat("Docker has set the policy of the chain FORWARD to drop, and no rule lets ", lan,
             " through: nothing of it is passed on to the uplinks; if this host is its gateway: "
             "'iptables -I DOCKER-USER -i ",
             lan, " -j ACCEPT' and 'iptables -I DOCKER-USER -o ", lan,
             " -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'");
}

}  // namespace multilink
