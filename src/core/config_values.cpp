// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_values.hpp"

#include <array>
#include <bit>

#include "multilink/core/config_lists.hpp"

namespace multilink {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kTargetsExample = "targets = 1.1.1.1, 9.9.9.9, 2606:4700:4700::1111";
constexpr std::string_view kTranslationExample = "fd00:1::/56 > 2001:db8:1::/56";
constexpr std::string_view kGatewayExample = "gateway = 192.0.2.1, fe80::1 or gateway = auto";

/// Why no single host can have this address; empty when one can.
std::string_view why_not_unicast(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.is_multicast()) return "a multicast address";
  if (address.is_loopback()) return "a loopback address";
  if (address.family() == Family::v4 && address.bytes()[0] == 0) return "no host's address";
  if (address.family() == Family::v4 && address.bytes()[0] >= 240) return "a reserved or broadcast address";
  if (address.is_unspecified()) return "no host's address";
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes().begin())) {
    return "an IPv4 address in IPv6 form";
  }
  return {};
}

/// The addresses of a comma-separated list; each must be one that a single host can have.
Result<std::vector<IpAddress>> parse_hosts(std::string_view text, std::string_view no_address,
                                           std::string_view example) {
  std::vector<IpAddress> hosts;
  std::vector<std::string> problems;
  for (const auto part : split(text, ',')) {
    const auto item = trim(part);
    const auto address = IpAddress::parse(item);
    const auto flaw = address ? why_not_unicast(*address) : std::string_view();
    if (item.empty()) {
      problems.push_back(cat(quoted(text), " has an empty place in its list; write for example ", example));
    } else if (!address) {
      problems.push_back(cat(quoted(item), " ", no_address, "; write for example ", example));
    } else if (!flaw.empty()) {
      problems.push_back(cat(quoted(item), " is ", flaw, ", not a unicast one; write for example ", example));
    } else if (std::find(hosts.begin(), hosts.end(), *address) != hosts.end()) {
      problems.push_back(cat(quoted(item), " is given twice; keep one"));
    } else {
      hosts.push_back(*address);
    }
  }
  if (!problems.empty()) return fail(join(problems, kBetweenProblems));
  return hosts;
}

std::string write_hosts(const std::vector<IpAddress>& hosts) {
  std::vector<std::string> texts;
  for (const auto& host : hosts) texts.push_back(host.to_string());
  return join(texts, ", ");
}

Result<void> read_targets(std::string_view text, Settings& settings) {
  constexpr std::size_t kMost = 16;
  auto hosts = parse_hosts(
      text, "is not an IPv4 or IPv6 address (host names are not looked up: name service fails with the link)",
      kTargetsExample);
  if (!hosts) return tl::unexpected(hosts.error());
  for (const auto& host : *hosts) {
    if (host.is_link_local()) {
      return fail(cat(quoted(host.to_string()),
                      " is a link-local address: it tells nothing about the Internet behind the link; write "
                      "for example ",
                      kTargetsExample));
    }
  }
  if (hosts->size() > kMost) {
    return fail(cat(quoted(text), " has ", hosts->size(), " addresses, more than ", kMost,
                    "; a few that do not depend on each other tell as much"));
  }
  settings.targets = std::move(*hosts);
  return {};
}

Result<void> read_gateways(std::string_view text, Settings& settings) {
  if (text == "auto") {
    settings.gateways.clear();
    return {};
  }
  const auto items = split(text, ',');
  if (std::any_of(items.begin(), items.end(), [](std::string_view item) { return trim(item) == "auto"; })) {
    return fail(cat(quoted(text),
                    " mixes auto with an address; write the address alone: the other family is "
                    "auto by itself"));
  }
  const auto hosts =
      parse_hosts(text, "is neither auto nor an IPv4 or IPv6 address (without %device: the section names it)",
                  kGatewayExample);
  if (!hosts) return tl::unexpected(hosts.error());
  std::map<Family, IpAddress> gateways;
  for (const auto& host : *hosts) {
    if (!gateways.emplace(host.family(), host).second) {
      return fail(cat(quoted(text), " has two IPv", to_string(host.family()),
                      " addresses, and an uplink has one gateway per family; keep one of them"));
    }
  }
  settings.gateways = std::move(gateways);
  return {};
}

Result<void> read_mac(std::string_view text, Settings& settings) {
  constexpr std::size_t kBytes = 6;
  const auto parts = split(text, text.find('-') == std::string_view::npos ? ':' : '-');
  if (parts.size() != kBytes) return fail("");
  std::vector<std::string> bytes;
  for (const auto part : parts) {
    std::string byte(part);
    std::transform(byte.begin(), byte.end(), byte.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (byte.size() != 2 || byte.find_first_not_of("0123456789abcdef") != std::string::npos) return fail("");
    bytes.push_back(std::move(byte));
  }
  const auto mac = join(bytes, ":");
  const bool group = std::string_view("13579bdf").find(bytes.front()[1]) != std::string_view::npos;
  if (group || mac == "00:00:00:00:00:00") {
    return fail(cat(quoted(text),
                    " is no single device's address; copy the one that `ip link` shows behind "
                    "link/ether"));
  }
  settings.mac = mac;
  return {};
}

Result<void> read_mark_mask(std::string_view text, Settings& settings) {
  constexpr std::string_view kPrefix = "0x";
  constexpr int kBase = 16;
  if (!text.starts_with(kPrefix)) return fail("");
  const auto digits = text.substr(kPrefix.size());
  std::uint32_t mask = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), mask, kBase);
  if (error != std::errc{} || end != digits.data() + digits.size()) return fail("");
  const int bits = std::popcount(mask);
  if (bits < 2 || std::countl_zero(mask) + bits + std::countr_zero(mask) != 32) return fail("");
  settings.mark_mask = mask;
  return {};
}

std::string write_mark_mask(const Settings& settings) {
  std::string out = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(settings.mark_mask >> static_cast<unsigned>(shift)) & 0xfU];
  }
  return out;
}

constexpr unsigned kShortestTranslated = 16;
constexpr unsigned kLongestTranslated = 64;

/// Why this is no prefix that can be translated; empty when it is one.
std::string why_not_translatable(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix || prefix->address.family() != Family::v6 || text.find('/') == std::string_view::npos) {
    return "is no IPv6 prefix";
  }
  if (prefix->length < kShortestTranslated || prefix->length > kLongestTranslated) {
    return cat("is not of a length from /", kShortestTranslated, " to /", kLongestTranslated);
  }
  if (prefix->network() != *prefix) return cat("has bits behind its length: ", prefix->network().to_string());
  const bool global =
      prefix->address.bytes()[0] != 0 && !prefix->address.is_multicast() && !prefix->address.is_link_local();
  return global ? std::string() : "holds no addresses that are routed";
}

Result<void> read_prefix_translation(std::string_view text, Settings& settings) {
  if (text == "no") {
    settings.translate_prefix.reset();
    return {};
  }
  const auto sides = split(text, '>');
  if (sides.size() != 2) return fail("");
  for (const auto side : sides) {
    const auto flaw = why_not_translatable(trim(side));
    if (flaw.empty()) continue;
    return fail(
        cat(quoted(trim(side)), ' ', flaw, "; write for example translate_prefix = ", kTranslationExample));
  }
  const auto inside = *IpPrefix::parse(trim(sides[0]));
  const auto outside = *IpPrefix::parse(trim(sides[1]));
  if (inside.length != outside.length) {
    return fail(cat(quoted(text),
                    " has prefixes of two lengths, and every address inside needs one outside; write "
                    "for example translate_prefix = ",
                    kTranslationExample));
  }
  if (inside == outside)
    return fail(cat(quoted(text), " translates a prefix to itself; write no, or the provider's"));
  settings.translate_prefix = PrefixTranslation{inside, outside};
  return {};
}

}  // namespace

std::string one_of(std::vector<std::string> words) {
  const auto last = std::move(words.back());
  words.pop_back();
  return cat(join(words, ", "), " or ", last);
}

bool is_token(std::string_view text) {
  constexpr std::size_t kLongest = 32;
  const std::string edge = cat(kLetters, kDigits);
  return !text.empty() && text.size() <= kLongest && edge.find(text.front()) != std::string::npos &&
         text.find_first_not_of(cat(edge, "-_.")) == std::string_view::npos;
}

ConfigValue threshold_value(std::optional<Duration> UplinkConfig::*field, Duration least, Duration most) {
  return {cat("off or a duration from ", format_duration(least), " to ", format_duration(most),
              " (units: ms, s, min, h, d)"),
          [=](std::string_view text, Settings& settings) -> Result<void> {
            if (text == "off") {
              (settings.*field).reset();
              return {};
            }
            return store_if(parse_duration(text), settings.*field,
                            [=](Duration d) { return d >= least && d <= most; });
          },
          [=](const Settings& settings) {
            return settings.*field ? format_duration(*(settings.*field)) : std::string("off");
          }};
}

ConfigValue metered_value() {
  static constexpr Duration kGrace = std::chrono::minutes(2);
  static constexpr Duration kMost = std::chrono::hours(24);
  return {cat("no, yes or a duration from 0s to ", format_duration(kMost), " (units: ms, s, min, h, d)"),
          [](std::string_view text, Settings& settings) -> Result<void> {
            if (text == "no") {
              settings.metered.reset();
            } else if (text == "yes") {
              settings.metered = kGrace;
            } else {
              return store_if(parse_duration(text), settings.metered, [](Duration d) { return d <= kMost; });
            }
            return {};
          },
          [](const Settings& settings) {
            return settings.metered ? format_duration(*settings.metered) : std::string("no");
          }};
}

ConfigValue ratio_value(double UplinkConfig::*field, double least, double most) {
  return {cat("a ratio from ", format_percent(least), " to ", format_percent(most), " with its percent sign"),
          [=](std::string_view text, Settings& settings) {
            return store_if(parse_percent(text), settings.*field,
                            [=](double r) { return r >= least && r <= most; });
          },
          [=](const Settings& settings) { return format_percent(settings.*field); }};
}

ConfigValue number_value(unsigned UplinkConfig::*field, unsigned least, unsigned most) {
  return {cat("a whole number from ", least, " to ", most),
          [=](std::string_view text, Settings& settings) {
            return store_if(parse_number<unsigned>(text), settings.*field,
                            [=](unsigned n) { return n >= least && n <= most; });
          },
          [=](const Settings& settings) { return cat(settings.*field); }};
}

ConfigValue yes_no_value(bool UplinkConfig::*field) {
  return word_value(field, {{"yes", true}, {"no", false}});
}

ConfigValue redis_value() {
  return {"the address of a Redis",
          [](std::string_view text, Settings& settings) -> Result<void> {
            auto address = RedisAddress::parse(text);
            if (!address) return tl::unexpected(address.error());
            settings.redis = std::move(*address);
            return {};
          },
          [](const Settings& settings) { return settings.redis.to_string(); }};
}

ConfigValue mark_mask_value() {
  return {"a 32-bit mask in hexadecimal (0x...) whose set bits, two or more, lie side by side",
          read_mark_mask, write_mark_mask};
}

ConfigValue prefix_translation_value() {
  return {"no or two IPv6 prefixes of one length with '>' between them", read_prefix_translation,
          [](const Settings& settings) {
            return settings.translate_prefix ? settings.translate_prefix->to_string() : std::string("no");
          }};
}

ConfigValue mac_value() {
  return {"a hardware address of six pairs of hexadecimal digits", read_mac,
          [](const Settings& settings) { return settings.mac.value_or(""); }};
}

ConfigValue gateway_value() {
  return {"auto or one address per family, separated by a comma", read_gateways,
          [](const Settings& settings) {
            std::vector<IpAddress> hosts;
            for (const auto& [family, host] : settings.gateways) hosts.push_back(host);
            return hosts.empty() ? std::string("auto") : write_hosts(hosts);
          }};
}

ConfigValue targets_value() {
  return {"a list of IPv4 and IPv6 addresses, separated by commas", read_targets,
          [](const Settings& settings) { return write_hosts(settings.targets); }};
}

}  // namespace multilink
