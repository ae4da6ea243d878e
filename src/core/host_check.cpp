// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/host_check.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "multilink/core/swallowing_rules.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

constexpr int kStrict = 1;
constexpr int kLoose = 2;
constexpr int kUnlessForwarding = 1;
constexpr int kAlsoWhenForwarding = 2;
constexpr std::uint8_t kProtocolAdvertised = 9;  // RTPROT_RA
constexpr int kHashAddresses = 0;
constexpr int kHashPorts = 1;
constexpr int kHashFields = 3;
constexpr int kFieldsOfAddresses = 3;
constexpr std::array kHashSettings{KernelSetting::ipv4_hash_policy, KernelSetting::ipv6_hash_policy,
                                   KernelSetting::ipv6_hash_fields};

const std::string kIpv4Forwarding = "net/ipv4/ip_forward";

struct LinkedUplink {
  const UplinkConfig* config = nullptr;
  const Link* link = nullptr;
};

std::vector<LinkedUplink> linked_uplinks(const Config& config, const KernelState& state) {
  std::vector<LinkedUplink> out;
  for (const auto& uplink : config.uplinks) {
    if (const Link* link = find_uplink_link(uplink, state)) out.push_back({&uplink, link});
  }
  return out;
}

std::vector<IpPrefix> addresses_of(const Link& link, Family family, const KernelState& state) {
  std::vector<IpPrefix> out;
  for (const auto& address : state.addresses) {
    if (address.link_index == link.index && address.prefix.address.family() == family &&
        !address.link_scope) {
      out.push_back(address.prefix);
    }
  }
  return out;
}

bool is_private(const IpAddress& address) {
  static const std::array kPrivate{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("172.16.0.0/12"),
                                   *IpPrefix::parse("192.168.0.0/16")};
  return std::any_of(kPrivate.begin(), kPrivate.end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

bool shares_traffic(const Config& config) {
  std::set<unsigned> tiers;
  return std::any_of(config.uplinks.begin(), config.uplinks.end(),
                     [&](const UplinkConfig& uplink) { return !tiers.insert(uplink.precedence).second; });
}

class HostCheck {
 public:
  HostCheck(const Config& config, const KernelState& state, const HostSettings& settings,
            const RoutingNumbers& numbers, const std::set<unsigned>& hearing)
      : uplinks_(linked_uplinks(config, state)),
        several_(config.uplinks.size() > 1),
        hash_(shares_traffic(config) ? std::optional(config.suite.hash) : std::nullopt),
        state_(state),
        settings_(settings),
        numbers_(numbers),
        hearing_(hearing) {}

  HostFindings run() {
    for (const auto& uplink : uplinks_) {
      check_sources(uplink);
      check_advertisements(uplink);
    }
    if (hash_) check_hash(*hash_);
    check_ipv4_forwarding();
    check_ipv6_forwarding();
    check_shared_networks();
    check_rules();
    return std::move(out_);
  }

 private:
  std::optional<int> value(const std::string& path) const {
    const auto found = settings_.find(path);
    return found == settings_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Of the device and of `all`, the larger one; none where the device has none.
  std::optional<int> effective(const Link& link, std::string_view name) const {
    const auto own = value(ipv4_path(link.name, name));
    return own ? std::optional(std::max(*own, value(ipv4_path("all", name)).value_or(0))) : std::nullopt;
  }

  void warn(std::string text) { out_.warnings.push_back(std::move(text)); }

  void check_sources(const LinkedUplink& uplink) {
    const auto& name = uplink.link->name;
    if (!several_ || effective(*uplink.link, "rp_filter") != kStrict) return;
    const bool own = value(path_of(KernelSetting::rp_filter, name)) == kStrict;
    const auto strict =
        sysctl_name(own ? path_of(KernelSetting::rp_filter, name) : ipv4_path("all", "rp_filter"));
    out_.wanted.push_back(
        {uplink.link->index, name, KernelSetting::rp_filter, kLoose,
         cat(strict, " is 1 (strict): while another uplink carries, it drops what comes in by ", name,
             ", answers to probes too")});
  }

  /// One that somebody has set: it does not run out.
  bool has_lasting_default(const Link& link) const {
    return std::any_of(state_.routes.begin(), state_.routes.end(), [&](const Route& route) {
      return route.destination == IpPrefix::default_of(Family::v6) && route.protocol != numbers_.protocol &&
             route.protocol != kProtocolAdvertised &&
             std::any_of(route.next_hops.begin(), route.next_hops.end(),
                         [&](const NextHop& hop) { return hop.link_index == link.index; });
    });
  }

  bool uses_ipv6() const {
    return std::any_of(state_.links.begin(), state_.links.end(), [&](const Link& link) {
      return !link.loopback && !addresses_of(link, Family::v6, state_).empty();
    });
  }

  void check_advertisements(const LinkedUplink& uplink) {
    const Link& link = *uplink.link;
    if (uplink.config->gateways.contains(Family::v6) || uplink.config->targets_of(Family::v6).empty() ||
        link.point_to_point || has_lasting_default(link) ||
        value(path_of(KernelSetting::accept_ra, link.name)) != kUnlessForwarding ||
        value(ipv6_path(link.name, "forwarding")).value_or(0) == 0) {
      return;
    }
    const auto name = sysctl_name(path_of(KernelSetting::accept_ra, link.name));
    if (hearing_.contains(link.index) || !addresses_of(link, Family::v6, state_).empty()) {
      out_.wanted.push_back(
          {link.index, link.name, KernelSetting::accept_ra, kAlsoWhenForwarding,
           cat(name, " is 1: as IPv6 is forwarded, router advertisements are ignored, and the gateway of ",
               link.name, " would be lost")});
    } else if (uses_ipv6()) {
      warn(cat(name,
               " is 1: as IPv6 is forwarded, router advertisements are ignored; where the ISP offers IPv6, "
               "set it to 2"));
    }
  }

  void check_hash(Hash hash) {
    if (hash == Hash::flow) {
      ask_for(KernelSetting::ipv4_hash_policy, kHashPorts);
      ask_for(KernelSetting::ipv6_hash_policy, kHashPorts);
    } else {
      ask_for(KernelSetting::ipv4_hash_policy, kHashAddresses);
      ask_for(KernelSetting::ipv6_hash_fields, kFieldsOfAddresses);
      ask_for(KernelSetting::ipv6_hash_policy, kHashFields);
    }
  }

  void ask_for(KernelSetting setting, int wanted) {
    const auto present = value(path_of(setting));
    if (!present || *present == wanted) return;
    const auto* what = hash_ == Hash::flow ? "flow: each connection" : "address: each pair of addresses";
    out_.wanted.push_back({0, "", setting, wanted,
                           cat(sysctl_name(path_of(setting)), " is ", *present, ", and hash = ", what,
                               " is to keep to one of the uplinks that share the traffic"),
                           true});
  }

  bool is_uplink(const Link& link) const {
    return std::any_of(uplinks_.begin(), uplinks_.end(),
                       [&](const LinkedUplink& uplink) { return uplink.link->index == link.index; });
  }

  /// A link with addresses that `counts`, as a LAN has them; null: there is none.
  template <class Counts>
  const Link* find_lan(Family family, Counts counts) const {
    const auto found = std::find_if(state_.links.begin(), state_.links.end(), [&](const Link& link) {
      if (link.loopback || link.point_to_point || !link.carrier || is_uplink(link)) return false;
      const auto addresses = addresses_of(link, family, state_);
      return std::any_of(addresses.begin(), addresses.end(), counts);
    });
    return found == state_.links.end() ? nullptr : &*found;
  }

  void check_ipv4_forwarding() {
    const auto everywhere = value(kIpv4Forwarding);
    if (everywhere == 0) {
      const Link* lan = find_lan(Family::v4, [](const IpPrefix& own) { return is_private(own.address); });
      if (lan == nullptr) return;
      return warn(cat(sysctl_name(kIpv4Forwarding), " is 0: nothing of ", lan->name,
                      " is passed on to the uplinks; if this host is the LAN's gateway, set it to 1"));
    }
    for (const auto& uplink : uplinks_) {
      const auto path = ipv4_path(uplink.link->name, "forwarding");
      if (everywhere && value(path) == 0) {
        warn(cat(sysctl_name(path), " is 0, though ", sysctl_name(kIpv4Forwarding),
                 " is 1: answers that come in by ", uplink.link->name,
                 " are not passed on to the LAN; set it to 1"));
      }
    }
  }

  void check_ipv6_forwarding() {
    const auto path = ipv6_path("all", "forwarding");
    if (value(path) != 0 || value(kIpv4Forwarding).value_or(0) == 0) return;
    const bool has_uplink = std::any_of(uplinks_.begin(), uplinks_.end(), [&](const LinkedUplink& uplink) {
      return !addresses_of(*uplink.link, Family::v6, state_).empty();
    });
    const Link* lan = find_lan(Family::v6, [](const IpPrefix&) { return true; });
    if (!has_uplink || lan == nullptr) return;
    warn(cat(
        sysctl_name(path), " is 0, though ", sysctl_name(kIpv4Forwarding), " is 1: IPv6 of ", lan->name,
        " is not passed on to the uplinks; if it is to be, set it to 1 (and accept_ra of the uplinks to 2)"));
  }

  bool answers_for_others(const Link& link) const {
    return effective(link, "arp_ignore") == 0 && effective(link, "arp_filter") == 0;
  }

  /// The network, if two addresses of one are in each other's.
  static std::optional<IpPrefix> shared_network(const std::vector<IpPrefix>& a,
                                                const std::vector<IpPrefix>& b) {
    for (const auto& one : a) {
      for (const auto& other : b) {
        if (one.contains(other.address) && other.contains(one.address)) return one.network();
      }
    }
    return std::nullopt;
  }

  void check_shared_networks() {
    struct Answering {
      const std::string& device;
      bool for_others;
      std::vector<IpPrefix> addresses;
    };
    std::vector<Answering> all;
    for (const auto& uplink : uplinks_) {
      all.push_back({uplink.link->name, answers_for_others(*uplink.link),
                     addresses_of(*uplink.link, Family::v4, state_)});
    }
    std::set<IpPrefix> told;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        if (!all[i].for_others && !all[j].for_others) continue;
        const auto network = shared_network(all[i].addresses, all[j].addresses);
        if (network && told.insert(*network).second) warn_of_shared(*network, all[i].device, all[j].device);
      }
    }
  }

  void warn_of_shared(const IpPrefix& network, const std::string& a, const std::string& b) {
    warn(cat(a, " and ", b, " are both in ", network.to_string(),
             ": if that is one cable, each answers ARP for the other's address; then set ",
             sysctl_name(ipv4_path(a, "arp_ignore")), " and ", sysctl_name(ipv4_path(b, "arp_ignore")),
             " to 1"));
  }

  /// A tunnel that is to carry everything is set up so, and fails over by itself.
  void check_rules() {
    std::vector<unsigned> uplinks;
    for (const auto& uplink : uplinks_) uplinks.push_back(uplink.link->index);
    if (uplinks.empty()) return;
    for (const auto& swallowing : swallowing_rules(state_, uplinks, numbers_)) {
      if (swallowing.by != SwallowedBy::tunnel) warn(describe(swallowing));
    }
  }

  std::vector<LinkedUplink> uplinks_;
  bool several_;
  std::optional<Hash> hash_;  ///< none: no uplinks share their traffic
  const KernelState& state_;
  const HostSettings& settings_;
  const RoutingNumbers& numbers_;
  const std::set<unsigned>& hearing_;
  HostFindings out_;
};

}  // namespace

std::vector<std::string> settings_to_read(const Config& config, const KernelState& state) {
  std::vector<std::string> out{kIpv4Forwarding, ipv6_path("all", "forwarding")};
  for (const auto* name : {"rp_filter", "arp_ignore", "arp_filter"}) out.push_back(ipv4_path("all", name));
  for (const auto& uplink : linked_uplinks(config, state)) {
    for (const auto* name : {"rp_filter", "forwarding", "arp_ignore", "arp_filter"}) {
      out.push_back(ipv4_path(uplink.link->name, name));
    }
    for (const auto* name : {"accept_ra", "forwarding"}) out.push_back(ipv6_path(uplink.link->name, name));
  }
  for (const KernelSetting setting : kHashSettings) out.push_back(path_of(setting));
  return out;
}

HostFindings check_host(const Config& config, const KernelState& state, const HostSettings& settings,
                        const RoutingNumbers& numbers, const std::set<unsigned>& hearing) {
  return HostCheck(config, state, settings, numbers, hearing).run();
}

}  // namespace multilink
