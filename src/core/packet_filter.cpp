// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/packet_filter.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Lines = std::vector<std::string>;

// Priorities: right behind `mangle`, where administrators and VPNs set marks of their own, so that these are seen.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kBaseChains{{
    {"untracked", "type filter hook output priority raw"},
    {"prerouting", "type filter hook prerouting priority mangle + 5"},
    {"input", "type filter hook input priority mangle - 10"},
    {"forward", "type filter hook forward priority mangle - 10"},
    {"local_resets", "type filter hook output priority mangle - 10"},
    {"output", "type route hook output priority mangle + 5"},
    {"postrouting", "type filter hook postrouting priority mangle + 5"},
    {"translation", "type nat hook postrouting priority srcnat - 10"},
}};
constexpr std::array<std::string_view, 10> kSharedChains{
    "unpinnable",  "unmarked", "probed", "foreign_source", "masquerade4",
    "masquerade6", "evicted",  "reset4", "reset6",         "drill"};
constexpr std::array<std::string_view, 4> kUplinkChains{"steer_", "enter_", "leave_", "translate_"};

constexpr std::string_view kTuple4 = "ip saddr . tcp sport . ip daddr . tcp dport";
constexpr std::string_view kTuple6 = "ip6 saddr . tcp sport . ip6 daddr . tcp dport";

std::string hex_word(std::uint32_t value) {
  std::string out = "0x00000000";
  for (auto digit = out.rbegin(); value != 0; ++digit, value >>= 4U)
    *digit = "0123456789abcdef"[value & 0xfU];
  return out;
}

std::string in_braces(const Lines& elements) {
  return cat("{ ", join(elements, ", "), " }");
}

/// The addresses of one family that are somebody's alone on the Internet, not on the link.
Lines texts_of(const std::set<IpAddress>& addresses, Family family) {
  Lines texts;
  for (const auto& address : addresses) {
    if (address.family() == family && !address.is_link_local()) texts.push_back(address.to_string());
  }
  return texts;
}

std::string_view ip_word(Family family) {
  return family == Family::v4 ? "ip" : "ip6";
}

class TableText {
 public:
  TableText(const PacketFilterTable& table, Exceptions exceptions)
      : uplinks_(table.uplinks),
        parents_(table.parents),
        marks_(table.mark_mask),
        asks_sets_(exceptions == Exceptions::possible) {}

  std::string write() {
    set(kEvicted4, kTuple4);
    set(kEvicted6, kTuple6);
    out_ +=
        cat("  set ", kDrilled, " {\n    type ifname\n    size ", kMostDrilled, "\n    flags timeout\n  }\n",
            "  set ", kOrphaned, " {\n    type nf_proto\n    size 2\n    flags timeout\n  }\n");
    for (const auto& uplink : uplinks_) write_uplink(uplink);
    write_shared();
    for (const auto& [name, definition] : kBaseChains) {
      chain(name, rules_of(name), cat(definition, "; policy accept;"));
    }
    return cat("table inet ", kFilterTable, " {\n", out_, "}\n");
  }

 private:
  void set(std::string_view name, std::string_view tuple) {
    out_ += cat("  set ", name, " {\n    typeof ", tuple, "\n    size ", kMostEvicted,
                "\n    flags dynamic,timeout\n    timeout 1m\n  }\n");
  }

  void chain(std::string_view name, const Lines& rules, std::string_view definition = {}) {
    out_ += cat("  chain ", name, " {\n");
    if (!definition.empty()) out_ += cat("    ", definition, '\n');
    for (const auto& rule : rules) out_ += cat("    ", rule, '\n');
    out_ += "  }\n";
  }

  std::string mask() const { return hex_word(marks_.mask()); }
  std::string others() const { return hex_word(~marks_.mask()); }
  /// "<what> mark" with our bits set to `mark` and those of others left alone.
  std::string with_mark(std::string_view what, std::uint32_t mark) const {
    return cat(what, " mark set ", what, " mark and ", others(), " or ", hex_word(mark));
  }

  void write_uplink(const FilteredUplink& uplink) {
    const auto mark = marks_.of_uplink(uplink.index);
    chain(cat("steer_", uplink.index), steering_of(uplink));
    chain(cat("enter_", uplink.index),
          {"jump unpinnable", with_mark("ct", mark), cat("goto steer_", uplink.index)});
    chain(cat("leave_", uplink.index), {"jump unpinnable", with_mark("ct", mark)});
    chain(cat("translate_", uplink.index), translation_of(uplink));
  }

  static std::string udp_of(Family family) {
    return cat("meta nfproto ", family == Family::v4 ? "ipv4" : "ipv6", " meta l4proto 17");
  }

  Lines steering_of(const FilteredUplink& uplink) const {
    Lines rules;
    for (const Family family : uplink.udp_moves) {
      rules.push_back(cat(udp_of(family), " ct direction original iifname != ", devices(), " accept"));
    }
    rules.push_back(with_mark("meta", marks_.of_uplink(uplink.index)));
    return rules;
  }

  static Lines translation_of(const FilteredUplink& uplink) {
    Lines rules;
    for (const Family family : kFamilies) {
      const auto own = texts_of(uplink.addresses, family);
      if (!own.empty()) rules.push_back(cat(ip_word(family), " saddr ", in_braces(own), " accept"));
    }
    rules.emplace_back("jump foreign_source");
    if (const auto& prefixes = uplink.translation) {
      rules.push_back(cat("ip6 saddr ", prefixes->inside.to_string(), " snat ip6 prefix to ",
                          prefixes->outside.to_string()));
    }
    if (uplink.masquerade.contains(Family::v4)) rules.emplace_back("jump masquerade4");
    if (uplink.masquerade.contains(Family::v6)) rules.emplace_back("jump masquerade6");
    return rules;
  }

  void write_shared() {
    chain(
        "unpinnable",
        {"ct state invalid,untracked accept",
         // An error about a flow may come from anywhere, and tells nothing of the flow's own way.
         "ct state related meta l4proto { 1, 58 } accept",
         // What stays on the link needs no pin; two links may have the same addresses there. (Two rules cost a packet less
         // than one set of intervals.)
         "ip daddr 224.0.0.0/4 accept", "ip daddr 255.255.255.255 accept", "ip6 daddr fe80::/10 accept",
         "ip6 daddr ff00::/8 accept"});
    chain("unmarked", rules_for_unmarked());
    // The answer to a probe gets the mark of where it came in, for the sake of rp_filter alone: routing without it
    // would expect it on the uplink in use. Its connection keeps the reserved mark.
    chain("probed", by_device("iifname", "steer_"));
    chain("foreign_source", rules_for_foreign_sources());
    // Packets of both families come here.
    chain("masquerade4",
          {"ip daddr 224.0.0.0/4 accept", "ip daddr 255.255.255.255 accept", "meta nfproto ipv4 masquerade"});
    chain("masquerade6", {"ip6 saddr fe80::/10 accept", "ip6 daddr fe80::/10 accept",
                          "ip6 daddr ff00::/8 accept", "meta nfproto ipv6 masquerade"});
    chain("evicted",
          {cat(kTuple4, " @", kEvicted4, " goto reset4"), cat(kTuple6, " @", kEvicted6, " goto reset6")});
    // A black hole begins behind the provider's router: what keeps the address and the router's own stays.
    chain("drill",
          {"icmpv6 type { 133, 134, 135, 136, 137 } accept", "udp dport { 68, 546 } accept", "drop"});
    chain("reset4", rules_for_evicted(kTuple4, kEvicted4));
    chain("reset6", rules_for_evicted(kTuple6, kEvicted6));
  }

  /// An established flow that has no mark yet, from elsewhere than an uplink: the address under which the far end
  /// knows it says where it belongs.
  Lines rules_for_unmarked() const {
    Lines rules;
    for (const Family family : kFamilies) {
      const auto owners = owners_of(family);
      if (owners.empty()) continue;
      rules.push_back(cat("ct direction original ct reply ", ip_word(family), " daddr vmap ", owners));
      // Begun from outside. Somebody in the LAN may have asked for that address, too: his answer stays inside.
      rules.push_back(cat("ct direction reply fib daddr oifname ", devices(), " ct original ",
                          ip_word(family), " daddr vmap ", owners));
    }
    return rules;
  }

  Lines rules_for_foreign_sources() const {
    std::set<IpAddress> all;
    for (const auto& uplink : uplinks_) all.insert(uplink.addresses.begin(), uplink.addresses.end());
    Lines rules;
    for (const Family family : kFamilies) {
      const auto sources = texts_of(all, family);
      if (!sources.empty())
        rules.push_back(cat(ip_word(family), " saddr ", in_braces(sources), " masquerade"));
    }
    return rules;
  }

  static Lines rules_for_evicted(std::string_view tuple, std::string_view set) {
    return {cat("tcp flags & (syn | ack) == syn delete @", set, " { ", tuple, " } accept"),
            "reject with tcp reset"};
  }

  Lines rules_of(std::string_view base) const {
    if (base == "untracked")
      return {cat("meta mark and ", mask(), " == ", mask(), " meta l4proto 6 notrack")};
    if (base == "prerouting") return rules_before_routing();
    // Here it has done its work: what a tunnel takes out of the packet begins without.
    if (base == "input") return {clear_mark()};
    if (base == "forward") return rules_when_forwarding();
    // A socket that is being destroyed tells its far end.
    if (base == "local_resets") return rules_for_local_tcp();
    if (base == "output") return rules_for_local();
    if (base == "postrouting") return rules_when_leaving();
    assert(base == "translation");
    Lines rules{"rt ipsec exists accept"};
    append(rules, by_device("oifname", "translate_"));
    return rules;
  }

  Lines rules_before_routing() const {
    Lines rules;
    if (asks_sets_) {
      rules.push_back(cat("iifname @", kDrilled, " goto drill"));
      // Here and not when forwarding: a policy without an uplink refuses the packet before.
      rules.emplace_back("meta l4proto 6 jump evicted");
    }
    append(rules, by_mark());
    rules.push_back(cat("ct mark and ", mask(), " == ", hex_word(marks_.of_probes()), " goto probed"));
    if (uplinks_.empty()) return rules;
    rules.emplace_back("iifname \"lo\" accept");
    // What came or will leave inside a tunnel of IPsec is not on the uplink itself.
    append(rules, by_device("meta ipsec missing iifname", "enter_"));
    rules.emplace_back("ct state established goto unmarked");
    return rules;
  }

  Lines rules_when_forwarding() const {
    Lines rules = rules_against_loops();
    if (asks_sets_) append(rules, rules_of_exceptions());
    return rules;
  }

  /// What comes for a provider's prefix and belongs to no connection that was translated: the default would lead it back to the
  /// provider, and that to here, until its hop limit ends it (RFC 7084, WPD-5). A server learns so that a connection is over.
  Lines rules_against_loops() const {
    Lines rules;
    for (const auto& uplink : uplinks_) {
      if (!uplink.translation) continue;
      const auto comes_back = cat("iifname ", devices(), " oifname ", devices(), " ip6 daddr ",
                                  uplink.translation->outside.to_string());
      rules.push_back(cat(comes_back, " meta l4proto 6 reject with tcp reset"));
      rules.push_back(cat(comes_back, " reject with icmpv6 type addr-unreachable"));
    }
    return rules;
  }

  Lines rules_of_exceptions() const {
    Lines rules{cat("oifname @", kDrilled, " drop")};
    if (!uplinks_.empty()) {
      // In the middle of a connection that the kernel does not know.
      rules.push_back(cat("tcp flags & (syn | rst) == 0 ct state new oifname ", devices(), " meta nfproto @",
                          kOrphaned, " reject with tcp reset"));
    }
    return rules;
  }

  Lines rules_for_local_tcp() const {
    if (parents_.empty() && !asks_sets_) return {};
    Lines rules{"tcp flags & rst == rst accept"};
    for (const auto& users : parents_) {
      // They answer the proxy that users speak to, and may have to ask a name server here.
      rules.push_back(cat("meta skuid ", users.first, '-', users.last,
                          " meta l4proto 6 ct direction original tcp dport != 53 fib daddr type local reject "
                          "with tcp reset"));
    }
    if (asks_sets_) rules.emplace_back("meta l4proto 6 goto evicted");
    return rules;
  }

  Lines rules_for_local() const {
    Lines rules;
    if (~marks_.mask() != 0) rules.push_back(cat("meta mark and ", others(), " != 0 accept"));
    rules.push_back(
        cat("meta mark and ", mask(), " == ", mask(), ' ', with_mark("ct", marks_.of_probes()), " accept"));
    append(rules, by_mark());
    return rules;
  }

  Lines rules_when_leaving() const {
    Lines rules;
    // Of what this host sends only TCP ends in a drill, which is not told; dropping the rest would give its sender an
    // error. It leaves, and nothing answers it.
    if (asks_sets_) rules.push_back(cat("oifname @", kDrilled, " meta l4proto 6 drop"));
    rules.push_back(cat(clear_mark(), " accept"));
    for (const auto& uplink : uplinks_) {
      // The mark is what the entries that are to go are found by.
      for (const Family family : uplink.udp_moves) {
        rules.push_back(cat("ct mark and ", mask(), " == ", hex_word(marks_.of_uplink(uplink.index)), ' ',
                            udp_of(family), " accept"));
      }
    }
    append(rules, by_device("rt ipsec missing oifname", "leave_"));
    return rules;
  }

  std::string clear_mark() const {
    return cat("meta mark and ", mask(), " != 0 meta mark set meta mark and ", others());
  }

  // A rule for each uplink, and no verdict map: while the table is replaced, a packet that is still among the old rules
  // finds the maps of these empty, would miss its mark, and a masqueraded flow would be lost by that (seen under load).

  Lines by_mark() const {
    Lines rules;
    for (const auto& uplink : uplinks_) {
      rules.push_back(cat("ct mark and ", mask(), " == ", hex_word(marks_.of_uplink(uplink.index)),
                          " goto steer_", uplink.index));
    }
    return rules;
  }

  Lines by_device(std::string_view selector, std::string_view chain) const {
    Lines rules;
    for (const auto& uplink : uplinks_) {
      rules.push_back(cat(selector, " \"", uplink.device, "\" goto ", chain, uplink.index));
    }
    return rules;
  }

  static void append(Lines& rules, const Lines& more) { rules.insert(rules.end(), more.begin(), more.end()); }

  std::string devices() const {
    Lines names;
    for (const auto& uplink : uplinks_) names.push_back(cat('"', uplink.device, '"'));
    return in_braces(names);
  }

  /// Where an address that one uplink alone has leads; empty without any.
  std::string owners_of(Family family) const {
    std::map<std::string, std::vector<unsigned>> owners;
    for (const auto& uplink : uplinks_) {
      for (const auto& address : texts_of(uplink.addresses, family)) owners[address].push_back(uplink.index);
    }
    Lines elements;
    for (const auto& [address, indices] : owners) {
      if (indices.size() == 1) elements.push_back(cat(address, " : goto enter_", indices.front()));
    }
    return elements.empty() ? std::string() : in_braces(elements);
  }

  const std::vector<FilteredUplink>& uplinks_;
  const std::vector<UidRange>& parents_;
  PacketMarks marks_;
  bool asks_sets_;
  std::string out_;
};

/// Base and shared chains, and those of the uplinks with these indices.
std::set<std::string> chains_of(const PacketFilterTable& table) {
  std::set<std::string> names(kSharedChains.begin(), kSharedChains.end());
  for (const auto& [name, definition] : kBaseChains) names.emplace(name);
  for (const auto& uplink : table.uplinks) {
    for (const auto prefix : kUplinkChains) names.insert(cat(prefix, uplink.index));
  }
  return names;
}

bool is_of_an_uplink(std::string_view chain) {
  return std::any_of(kUplinkChains.begin(), kUplinkChains.end(), [&](std::string_view prefix) {
    if (!chain.starts_with(prefix)) return false;
    const auto index = parse_number<unsigned>(chain.substr(prefix.size()));
    return index && cat(prefix, *index) == chain;
  });
}

Result<void> check_devices(const PacketFilterTable& table) {
  for (const auto& uplink : table.uplinks) {
    const auto flaw = why_not_filterable(uplink.device);
    if (flaw.empty()) continue;
    return fail(cat("device ", quoted(uplink.device), ": ", flaw,
                    "; rename the device, for example with a .link file of systemd"));
  }
  return {};
}

}  // namespace

std::string_view why_not_filterable(std::string_view device) {
  constexpr std::size_t kLongest = 15;
  constexpr std::string_view kNowhere("\0\n\t\v\f\r /:", 9);
  if (device.empty() || device.size() > kLongest) return "the kernel's names of devices have 1 to 15 bytes";
  if (device.find_first_of(kNowhere) != std::string_view::npos)
    return "the kernel has no such names of devices";
  if (device.find('"') != std::string_view::npos) return "nftables has no words for a name with '\"'";
  if (device.back() == '*') return "nftables takes a name that ends in '*' for the beginning of many";
  return {};
}

bool holds_only_ours(const PresentFilter& present) {
  if (present.has_objects) return false;
  const auto fixed = chains_of({});
  return std::all_of(
             present.chains.begin(), present.chains.end(),
             [&](const std::string& name) { return fixed.contains(name) || is_of_an_uplink(name); }) &&
         std::all_of(present.sets.begin(), present.sets.end(), [](const std::string& name) {
           return name == kEvicted4 || name == kEvicted6 || name == kDrilled || name == kOrphaned;
         });
}

Result<std::string> filter_in_place(const PacketFilterTable& table, Exceptions exceptions,
                                    const PresentFilter& present) {
  if (auto good = check_devices(table); !good) return tl::unexpected(good.error());
  std::string out = cat("add table inet ", kFilterTable, "\nflush table inet ", kFilterTable, '\n');
  const auto wanted = chains_of(table);
  for (const auto& name : present.chains) {
    if (is_of_an_uplink(name) && !wanted.contains(name)) {
      out += cat("delete chain inet ", kFilterTable, ' ', name, '\n');
    }
  }
  return out + TableText(table, exceptions).write();
}

std::string begin_drill(std::string_view device, std::chrono::milliseconds length) {
  return cat("add element inet ", kFilterTable, ' ', kDrilled, " { \"", device, "\" timeout ", length.count(),
             "ms }\n");
}

std::string reset_orphans(Family family, std::chrono::milliseconds length) {
  const auto element = [&](std::string_view verb, std::string_view more) {
    return cat(verb, " element inet ", kFilterTable, ' ', kOrphaned, " { ",
               family == Family::v4 ? "ipv4" : "ipv6", more, " }\n");
  };
  // One that is there keeps its time: it has to go first, and can only go if it is there.
  const auto none = cat(element("add", ""), element("delete", ""));
  return length.count() == 0 ? none : cat(none, element("add", cat(" timeout ", length.count(), "ms")));
}

Result<std::string> filter_anew(const PacketFilterTable& table, Exceptions exceptions) {
  if (auto good = check_devices(table); !good) return tl::unexpected(good.error());
  return cat("add table inet ", kFilterTable, "\ndelete table inet ", kFilterTable, '\n',
             TableText(table, exceptions).write());
}

}  // namespace multilink
