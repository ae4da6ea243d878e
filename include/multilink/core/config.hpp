// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/notify_config.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/prefix_translation.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/squid_config.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// interfaces.conf as values. Everything here has been validated: ranges hold, names are unique, addresses
/// are addresses. config/interfaces.conf documents every key.

enum class SuspectMoves : std::uint8_t { udp, none };
enum class Failback : std::uint8_t { graceful, flush, manual };
enum class Hash : std::uint8_t { flow, address };

struct SuiteConfig {
  RedisAddress redis{"/run/multilink/redis.sock", "", 6379, 0};
  std::string site = "local";
  Hash hash = Hash::flow;
  std::uint32_t mark_mask = 0x3f000000;
  Duration history = std::chrono::hours(1);  ///< how long single probes are kept

  bool operator==(const SuiteConfig&) const = default;
};

struct UplinkConfig {
  std::string device;              ///< the section's name
  std::string name;                ///< default: the device
  std::optional<std::string> mac;  ///< lower-case "aa:bb:…": the device is found by it, not by its name
  std::map<Family, IpAddress> gateways;  ///< configured ones; a family that is absent is `auto`
  unsigned weight = 1;                   ///< 1..256
  unsigned precedence = 1;               ///< lower is better; equal numbers share a tier
  std::set<Family> masquerade;           ///< whose packets get the uplink's own address
  std::optional<PrefixTranslation> translate_prefix;
  /// Its flows leave it so long after a better uplink carries the traffic; none: it is not metered.
  std::optional<Duration> metered;
  bool enabled = true;
  /// Why not, where it is not the file that says so; no key of the file.
  std::string disabled_by = {};

  std::vector<IpAddress> targets;
  Duration probe_interval = std::chrono::seconds(1);
  Duration loss_window = std::chrono::seconds(60);
  double loss_down = 0.20;
  double loss_up = 0.05;
  std::optional<Duration> latency_down;
  std::optional<Duration> jitter_down;
  Duration up_after = std::chrono::seconds(10);
  Duration evict_after = std::chrono::seconds(3);
  SuspectMoves suspect_moves = SuspectMoves::udp;
  Failback failback = Failback::graceful;
  Duration failback_udp_after = std::chrono::minutes(2);

  /// The targets of one family, in their order.
  std::vector<IpAddress> targets_of(Family family) const;

  bool operator==(const UplinkConfig&) const = default;
};

/// `[policy NAME]`: traffic that fits every selector given goes by the uplinks in `use` and by no other. An empty list
/// selects everything; at least one selector is there.
struct PolicyConfig {
  std::string name;
  std::vector<IpPrefix> from;           ///< networks, none of length 0
  std::vector<IpPrefix> to;             ///< likewise
  std::vector<std::string> iif;         ///< devices it comes in by; "lo": what this host itself sends
  std::vector<std::uint8_t> protocols;  ///< ip_protocol::kIcmp stands for ICMP of either family
  std::vector<PortRange> ports;         ///< of the destination, from 1 to 65534; only with TCP and UDP
  std::optional<MarkMatch> mark;        ///< no bit of it in mark_mask
  std::vector<std::string> use;         ///< names of uplinks, best first; at least one

  bool operator==(const PolicyConfig&) const = default;
};

/// One finding about a file: an error that refuses it, or a warning.
struct ConfigProblem {
  std::string file;
  unsigned line = 0;    ///< 1-based; 0 where it is about the file as a whole
  std::string message;  ///< "key: 'value' breaks which rule; remedy"

  std::string to_string() const;  ///< "file:line: message"; "file: message" for line 0
  bool operator==(const ConfigProblem&) const = default;
};

struct Config {
  SuiteConfig suite;
  std::vector<UplinkConfig> uplinks;  ///< best first: by precedence, then by position in the file
  NotifyConfig notify;
  std::vector<PolicyConfig> policies;  ///< in file order: the first that fits a packet decides
  SquidConfig squid;

  const UplinkConfig* uplink_named(std::string_view name) const;

  bool operator==(const Config&) const = default;
};

/// What a reader of the suite's records needs of the configuration.
struct RecordsPlace {
  RedisAddress redis;
  std::string site;
};

/// What reading a file gave. `config` is set if and only if `errors` is empty.
struct ParsedConfig {
  std::optional<Config> config;
  /// Where the suite's records are, also where the file is refused for something else. None: it does not rightly say.
  std::optional<RecordsPlace> records;
  std::vector<ConfigProblem> errors;  ///< all of them, in file order
  std::vector<ConfigProblem> warnings;
};

/// Parses the text of a file called `file`. Pure: whether devices exist is the caller's to check.
ParsedConfig parse_config(std::string_view text, std::string_view file);

}  // namespace multilink
