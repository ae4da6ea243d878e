// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <bit>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_search.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostLeftOut = 40;  ///< a host of containers has hundreds
constexpr std::size_t kMostAddresses = 3;

/// Who sets routes of this protocol (rtnetlink(7), /etc/iproute2/rt_protos).
std::string setter_of(std::uint8_t protocol) {
  switch (protocol) {
    case 2:
      return "the kernel";
    case 3:
      return "ip, ifupdown or dhclient";
    case 4:
      return "a static setting";
    case 9:
      return "a router advertisement";
    case 16:
      return "DHCP";
    default:
      return cat("protocol ", protocol);
  }
}

std::string addresses_of(const FoundUplink& uplink, Family family) {
  const auto& all = uplink.addresses.at(family);
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(all.size(), kMostAddresses); ++i) shown.push_back(all[i].to_string());
  if (all.empty()) return "no address now";
  return cat("address ", join(shown, ", "),
             all.size() > kMostAddresses ? cat(" and ", all.size() - kMostAddresses, " more") : "");
}

std::string describe_way(const FoundUplink& uplink, const FoundWay& way) {
  const auto router = way.gateway ? cat(" via ", way.gateway->to_string()) : std::string();
  switch (way.origin) {
    case WayOrigin::main:
      return cat("default route", router, ", metric ", way.metric, ", by ", setter_of(way.protocol));
    case WayOrigin::other_table:
      return cat("default route", router, " in table ", way.table, ", by ", setter_of(way.protocol));
    case WayOrigin::lease:
      return cat("a DHCP lease names the router ", way.gateway->to_string(),
                 "; no default route of the kernel does");
    case WayOrigin::ours:
      break;
  }
  return cat("default route", router, " of multilink itself",
             uplink.point_to_point ? "" : ", and of nobody else");
}

/// "IPv4: default route ..." of each family.
std::vector<std::string> describe_ways(const FoundUplink& uplink) {
  std::vector<std::string> out;
  for (const Family family : kFamilies) {
    const auto way = uplink.ways.find(family);
    const auto ip = cat("IPv", to_string(family), ": ");
    if (way != uplink.ways.end()) {
      out.push_back(cat(ip, describe_way(uplink, way->second), "; ", addresses_of(uplink, family)));
    } else if (!uplink.addresses.at(family).empty()) {
      out.push_back(cat(ip, "no default route; ", addresses_of(uplink, family)));
    } else {
      out.push_back(cat(ip, "none"));
    }
  }
  return out;
}

/// The gateways that only a route of multilink's still names: nobody would tell them again.
std::string gateways_to_write(const FoundUplink& uplink) {
  std::vector<std::string> out;
  for (const auto& [family, way] : uplink.ways) {
    if (way.origin == WayOrigin::ours && way.gateway && !uplink.point_to_point)
      out.push_back(way.gateway->to_string());
  }
  return join(out, ", ");
}

bool lacks_gateway(const FoundUplink& uplink) {
  return !uplink.point_to_point && std::any_of(uplink.ways.begin(), uplink.ways.end(),
                                               [](const auto& each) { return !each.second.gateway; });
}

/// Devices that are called otherwise in another socket, or after the next start.
bool changes_name(std::string_view device) {
  return device.starts_with("usb") || device.starts_with("wwan");
}

std::string section_of(const FoundUplink& uplink, bool has_lan) {
  std::string out = "\n";
  for (const auto& line : describe_ways(uplink)) out += cat("# ", line, '\n');
  if (!uplink.carrier) out += "# It is down, or without carrier, at present.\n";
  out += cat('[', uplink.device, "]\n");
  out +=
      uplink.name == uplink.device ? cat("#name = ", uplink.name, '\n') : cat("name = ", uplink.name, '\n');
  if (const auto gateways = gateways_to_write(uplink); !gateways.empty()) {
    out += "# No other route or lease tells it: multilink could not learn it again.\n";
    out += cat("gateway = ", gateways, '\n');
  } else if (lacks_gateway(uplink)) {
    out += "# The route names no router, and nothing else does: if there is one, write it here.\n";
    out += "#gateway = 192.0.2.1\n";
  }
  if (uplink.precedence) {
    out += cat("precedence = ", *uplink.precedence, '\n');
    if (uplink.weight != 1) out += cat("weight = ", uplink.weight, '\n');
  }
  if (changes_name(uplink.device) && !uplink.mac.empty()) {
    out += "# To find the device by its address, whatever it is called:\n";
    out += cat("#mac = ", uplink.mac, '\n');
  }
  if (has_lan) out += "#masquerade = no\n";
  return out;
}

/// More uplinks than the marks hold ask for a wider mask.
std::string mark_mask_for(std::size_t uplinks) {
  const std::uint32_t usual = SuiteConfig{}.mark_mask;
  if (uplinks <= PacketMarks(usual).uplinks()) return {};
  int bits = std::popcount(usual);
  while (uplinks > PacketMarks::uplinks_in(bits)) ++bits;
  Settings settings;
  settings.mark_mask = ~std::uint32_t{0} << static_cast<unsigned>(32 - bits);
  return cat("# So many uplinks need more bits than the default has.\nmark_mask = ",
             find_config_key("mark_mask")->value.write(settings), '\n');
}

std::vector<std::string> left_out_lines(const UplinkSearch& search) {
  std::vector<std::string> out;
  for (const auto& [device, reason] : search.left_out) {
    if (out.size() == kMostLeftOut) {
      out.push_back(cat("and ", search.left_out.size() - kMostLeftOut, " more"));
      break;
    }
    out.push_back(cat(printable(device), ' ', reason));
  }
  return out;
}

}  // namespace

std::string render_found_config(const UplinkSearch& search, std::string_view path) {
  std::string out = cat(
      "# ", printable(path, 200),
      ": the lines to the Internet, best first.\n"
      "#\n"
      "# Written by `multilinkctl init` from what this host had at that time. Look it through: above each\n"
      "# section stands why it was taken, at the end what was left out and why. The order of the sections "
      "is\n"
      "# the precedence: the best usable one carries the traffic. A line that begins with # and a key is a\n"
      "# setting at its default: take the # away to change it. All keys: man 5 interfaces.conf.\n"
      "#\n"
      "#     pingd --check                              how it is understood\n"
      "#     systemctl enable --now multilink.target    start, now and at each boot\n"
      "\n[multilink]\n"
      "# Who is asked whether the Internet is there, by each uplink.\n"
      "#targets = ",
      find_config_key("targets")->fallback, '\n', mark_mask_for(search.uplinks.size()));
  if (std::any_of(search.uplinks.begin(), search.uplinks.end(),
                  [](const FoundUplink& uplink) { return uplink.precedence.has_value(); })) {
    out +=
        "\n# Uplinks with the same precedence share the traffic by weight, as they do now in one route with\n"
        "# several next hops.\n";
  }
  if (search.has_lan) {
    out +=
        "\n# masquerade: whether multilink gives the LAN's packets an uplink's own address (NAT). Say yes, "
        "or\n"
        "# ipv4, where no firewall of yours does it already.\n";
  }
  for (const auto& uplink : search.uplinks) out += section_of(uplink, search.has_lan);
  if (search.left_out.empty()) return out;
  out += "\n# Left out; if one of these is a line to the Internet after all, write a section for it:\n#\n";
  for (const auto& line : left_out_lines(search)) out += cat("# - ", line, '\n');
  return out;
}

std::string describe_search(const UplinkSearch& search) {
  std::string out;
  unsigned place = 0;
  for (const auto& uplink : search.uplinks) {
    ++place;
    out += cat("  ", uplink.precedence.value_or(place), ". ", printable(uplink.device), '\n');
    for (const auto& line : describe_ways(uplink)) out += cat("     ", line, '\n');
  }
  if (search.left_out.empty()) return out;
  out += "left out:\n";
  for (const auto& line : left_out_lines(search)) out += cat("  - ", line, '\n');
  return out;
}

}  // namespace multilink
