// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/squid_files.hpp"

#include <algorithm>
#include <string_view>

#include "multilink/core/helper_arguments.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kHeader =
    "# Written by `multilinkctl proxy apply` from interfaces.conf: what is changed here does not last.\n";

/// Common to the child and the parents. Each logs to stderr (squid -N -d 1), keeps nothing on disk, and needs no
/// capability.
constexpr std::string_view kCommon =
    "pid_filename none\n"
    "cache_log /dev/null\n"
    "access_log none\n"
    "logfile_rotate 0\n"
    "coredump_dir none\n"
    "netdb_filename none\n"
    "eui_lookup off\n"
    "pinger_enable off\n"
    "icp_port 0\n"
    "snmp_port 0\n"
    "shutdown_lifetime 2 seconds\n"
    "memory_cache_shared off\n";

/// The ports of the web, and those that no service of a system has: neither SSH nor mail.
constexpr std::string_view kPorts =
    "acl web_ports port 80 443 21 1025-65535\n"
    "acl tunnel_ports port 443 1025-65535\n"
    "http_access deny !web_ports\n"
    "http_access deny CONNECT !tunnel_ports\n";

/// Loopback, "this network", link-local and multicast of both families. (To Squid, IPv4 in IPv6 form is IPv4.)
constexpr std::string_view kNobodysNetworks =
    "127.0.0.0/8 0.0.0.0/8 169.254.0.0/16 224.0.0.0/3 ::/127 fe80::/10 ff00::/8";

// What a request goes by that the helper has not chosen a parent for.
constexpr std::string_view kAllowUnchosen = " allow !is_chosen !warm_up";
constexpr std::string_view kWeight = " weight=";
constexpr std::string_view kWarmUpUrl = "http://127.0.0.1:1/";

std::string own_addresses(const SquidHost& host) {
  std::string out;
  for (const auto& address : host.addresses) {
    if (!address.is_loopback() && !address.is_link_local()) out += cat(' ', address.to_string());
  }
  return out;
}

std::string render_parent(const std::string& uplink, unsigned seat, const SquidHost& host) {
  std::vector<std::string> servers;
  for (const auto& server : host.nameservers) servers.push_back(server.to_string());
  return cat(kHeader, "# The parent of ", uplink, ": it runs as ", user_of_seat(seat),
             ", all whose packets routed sends out by that uplink.\n"
             "http_port 127.0.0.1:",
             port_of_seat(seat), "\nvisible_hostname multilink-", seat, "\nunique_hostname multilink-parent-",
             seat, '\n', kCommon,
             "cache deny all\n"
             "cache_mem 0\n"
             "via off\n"
             "forwarded_for delete\n"
             // A parent whose uplink is dead gives up soon: the child then asks another one.
             "connect_timeout 3 seconds\n"
             "forward_timeout 3 seconds\n"
             "dns_timeout 2 seconds\n"
             "dns_retransmit_interval 1 second\n"
             "negative_dns_ttl 1 second\n",
             servers.empty() ? std::string() : cat("dns_nameservers ", join(servers, " "), '\n'),
             "http_access allow localhost manager\n"
             "http_access deny manager\n"
             "http_access deny !localhost\n",
             kPorts, "acl this_host dst ", kNobodysNetworks, own_addresses(host),
             "\nhttp_access deny this_host\n"
             "http_access allow localhost\n"
             "http_access deny all\n"
             "never_direct deny all\n"
             "always_direct allow all\n");
}

/// Both peers of one parent. By its seat: to Squid, names that differ in small and capital letters only are the same.
std::string render_peer(const UplinkConfig& uplink, unsigned seat, bool is_fallback) {
  constexpr std::string_view kOptions =
      "no-query no-digest no-netdb-exchange connect-timeout=1 connect-fail-limit=1000000";
  const auto name = cat(seat);
  const auto peer = cat("cache_peer 127.0.0.1 parent ", port_of_seat(seat), " 0 ", kOptions, " name=");
  const auto urls = warm_up_urls(port_of_seat(seat));
  return cat("acl use_", name, " note use ", uplink.name, "\nacl alt_", name, " note alt ", uplink.name,
             "\nacl warm_use_", name, " url_regex ^", urls[0], "$\nacl warm_alt_", name, " url_regex ^",
             urls[1], "$\n", peer, "use:", name, " round-robin\ncache_peer_access use:", name, " allow use_",
             name, "\ncache_peer_access use:", name, " allow warm_use_", name,
             "\ncache_peer_access use:", name, " deny all\n", peer, "alt:", name,
             // Squid divides the time it measures less the base time by the weight, and never measures any.
             " weighted-round-robin basetime=-1000", kWeight, uplink.weight, "\ncache_peer_access alt:", name,
             " allow alt_", name, "\ncache_peer_access alt:", name, " allow warm_alt_", name, '\n',
             is_fallback ? cat("cache_peer_access alt:", name, kAllowUnchosen, '\n') : std::string(),
             "cache_peer_access alt:", name, " deny all\n");
}

/// Who serves requests that the helper has not chosen a parent for: as it would, by what the configuration says.
bool is_fallback(const UplinkConfig& uplink, const Config& config) {
  const auto serves = [](const UplinkConfig& each) { return each.enabled && !each.metered; };
  return serves(uplink) || std::none_of(config.uplinks.begin(), config.uplinks.end(), serves);
}

std::string render_helper(const Config& config, const ParentSeats& seats, const SquidHost& host) {
  std::string out =
      cat(  // No helper at the start: Squid ends when one that it has started then dies within half a minute.
          "external_acl_type choice ttl=0 negative_ttl=0 cache=0 children-max=1 children-startup=0 "
          "children-idle=1 "
          "concurrency=2000 queue-size=20000 ipv4 %DATA ",
          host.helper, " --syslog --child ", kChildPort, " --redis ", config.suite.redis.to_string(),
          " --site ", config.suite.site);
  for (const auto& uplink : config.uplinks) {
    const auto seat = seats.find(uplink.name);
    if (seat == seats.end()) continue;
    out +=
        cat(' ',
            to_string(ParentArgument{{uplink.name, uplink.metered.has_value()}, port_of_seat(seat->second)}));
  }
  return out + "\nacl choice external choice\n";
}

std::string render_child(const Config& config, const ParentSeats& seats, const SquidHost& host) {
  const auto& squid = config.squid;
  std::string out = cat(kHeader, "# The child: users speak to it, and it keeps what they may need again.\n");
  for (const auto& place : squid.listen) out += cat("http_port ", to_string(place), '\n');
  out += cat("http_port 127.0.0.1:", kChildPort, " name=own\n");
  out += cat("visible_hostname multilink\nunique_hostname multilink-child\n", kCommon, "cache_mem ",
             squid.cache_memory_mib,
             " MB\n"
             "maximum_object_size_in_memory 4 MB\n"
             "refresh_pattern -i (/cgi-bin/|\\?) 0 0% 0\n"
             "refresh_pattern . 0 20% 4320\n"
             "acl allowed src");
  for (const auto& network : squid.allow) out += cat(' ', short_words(network));
  out +=
      cat("\ndeny_info TCP_RESET allowed\n"
          "http_access deny manager !localhost\n"
          "http_access deny !localhost !allowed\n"
          "http_access allow manager\n"
          "acl own_port myportname own\n"
          "acl warm_up url_regex ^",
          kWarmUpUrl,
          "\n"
          "http_access allow warm_up own_port\n"
          "acl wake_up url_regex ^",
          kWakeUpUrl, "$\n", render_helper(config, seats, host), "http_access deny wake_up own_port choice\n",
          kPorts, "acl this_host dst -n ", kNobodysNetworks, own_addresses(host),
          "\nacl this_name dstdomain -n localhost\n"
          "http_access deny this_host\n"
          "http_access deny this_name\n",
          "http_access allow all\n"
          "acl is_chosen note use\n");
  for (const auto& uplink : config.uplinks) {
    const auto seat = seats.find(uplink.name);
    if (seat != seats.end()) out += render_peer(uplink, seat->second, is_fallback(uplink, config));
  }
  return out +
         "always_direct deny warm_up\n"  // the helper answers when it is over
         // Never so: it is there for the notes. In http_access a helper that dies with a request in its hands makes a 403 of it.
         "always_direct deny choice !all\n"
         "always_direct deny all\n"
         "never_direct allow all\n"
         "nonhierarchical_direct off\n"
         "retry_on_error on\n"
         "forward_max_tries 4\n";
}

}  // namespace

std::vector<std::string> warm_up_urls(std::uint16_t port) {
  return {cat(kWarmUpUrl, "use/", port), cat(kWarmUpUrl, "alt/", port)};
}

std::string without_fallback(std::string_view configuration) {
  std::string out;
  for (const auto line : split(configuration, '\n')) {
    if (line.ends_with(kAllowUnchosen)) continue;
    out += cat(line.substr(0, line.rfind(kWeight)), '\n');
  }
  return out;
}

SquidFiles render_squid_files(const Config& config, const ParentSeats& seats, const SquidHost& host) {
  SquidFiles out;
  out.child = render_child(config, seats, host);
  for (const auto& uplink : config.uplinks) {
    const auto seat = seats.find(uplink.name);
    if (seat != seats.end())
      out.parents.push_back({uplink.name, seat->second, render_parent(uplink.name, seat->second, host)});
  }
  return out;
}

}  // namespace multilink
