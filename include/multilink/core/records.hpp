// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What the daemons say to each other through Redis, as values. `encode` gives the exact wire form;
/// `decode` believes nothing: a field that is missing, too long, out of range or of another type makes the
/// whole record an Error that names the field. docs/redis-schema.md gives the grammar.

using Fields = std::map<std::string, std::string>;

enum class Outcome : std::uint8_t { lost = 0, answered = 1 };

/// Why pingd set a probe off. Burst probes ask a question after a miss, urgent ones since users' traffic has fallen
/// silent; only regular ones enter the loss window.
enum class ProbeKind : std::uint8_t { regular, burst, urgent };

/// One settled probe. On the wire: "<boot>:<seq>:<0|1>:<rtt or waited us>:<4|6>:<kind r|b|u>:<sent_mono_ns>:<target>",
/// score = sent_wall in ms. A late reply removes the member with 0 and adds the one with 1.
struct ProbeRecord {
  std::string boot;  ///< 8 hex digits of the kernel's boot id: monotonic times compare only within one boot
  std::uint64_t sequence = 0;
  Outcome outcome = Outcome::lost;
  Duration rtt{};     ///< whole microseconds; 0 when lost
  Duration waited{};  ///< of a lost one: how long for an answer, whole microseconds; 0: not known
  ProbeKind kind = ProbeKind::regular;
  MonoTime sent;
  WallTime sent_wall;
  IpAddress target;

  /// When its outcome was known: at the answer, or when it was waited for no longer. None if that is not known.
  std::optional<MonoTime> settled() const;

  std::string encode() const;
  static Result<ProbeRecord> decode(std::string_view member, double score);
  bool operator==(const ProbeRecord&) const = default;
};

/// Why a link cannot carry traffic of a family, seen without a probe.
enum class LinkFact : std::uint8_t { ok, no_device, admin_down, no_carrier, no_address, no_gateway };
std::string_view to_string(LinkFact fact);
std::optional<LinkFact> parse_link_fact(std::string_view token);

/// `…:uplink:<name>:link`: written by pingd.
struct LinkRecord {
  struct PerFamily {
    LinkFact fact = LinkFact::no_device;
    std::vector<IpAddress> addresses;
    std::optional<IpAddress> gateway;

    bool operator==(const PerFamily&) const = default;
  };
  std::string device;
  std::string boot;
  bool carrier = false;
  WallTime since;
  std::map<Family, PerFamily> families;
  MonoTime written = {};  ///< when it was put into Redis

  Fields encode() const;
  static Result<LinkRecord> decode(const Fields& fields);
  bool operator==(const LinkRecord&) const = default;
};

enum class HealthState : std::uint8_t { unknown, up, suspect, down };
std::string_view to_string(HealthState state);
std::optional<HealthState> parse_health_state(std::string_view token);

/// What the administrator has ordered beside what the configuration says: `disabled` is as `enabled = no` there; by a `drained`
/// one nothing new goes while another can carry, and what runs stays.
enum class AdminMode : std::uint8_t { none, disabled, drained };
std::string_view to_string(AdminMode mode);  ///< of none: ""
std::optional<AdminMode> parse_admin_mode(std::string_view token);

/// `…:uplink:<name>:health`: written by healthd.
struct HealthRecord {
  struct PerFamily {
    HealthState state = HealthState::unknown;
    WallTime since;
    std::string reason;    ///< for people: "loss 24 % over 60 s exceeds loss_down 20 %"
    std::string event;     ///< id of the event that led here, empty at first
    double loss = 0;       ///< over the window, [0,1]
    unsigned probes = 0;   ///< in the window
    Duration rtt{};        ///< mean of the answered ones in the window; 0: none
    Duration jitter{};     ///< mean absolute difference of successive RTTs (as RFC 3393 style); 0: none
    bool answers = false;  ///< not up, and yet it answers: better than nothing
    double baseline = 0;   ///< loss in calm times, [0,1]
    std::vector<IpAddress> aside;     ///< targets that are set aside, ascending
    std::optional<MonoTime> decided;  ///< settling of the probe that led to the state; none: no probe did
    std::optional<MonoTime> entered =
        {};  ///< when the state, or the part of it without a fact against it, began
    /// When the flap penalty is, or was, down to what is nobody's flapping (FlapPenalty::forgiven_at); none: there is none.
    std::optional<MonoTime> forgiven = {};
    /// Flap damping: while it is suspect or down, how much clean time is asked for beyond what is configured; 0: none.
    Duration damping{};

    bool operator==(const PerFamily&) const = default;
  };
  std::string device;
  unsigned precedence = 1;
  unsigned weight = 1;
  bool enabled = true;  ///< by the configuration and by the administrator's order
  std::string boot;     ///< of the kernel healthd runs on
  std::map<Family, PerFamily> families;
  AdminMode admin = AdminMode::none;         ///< in force; `enabled` is false where it is `disabled`
  std::optional<WallTime> admin_until = {};  ///< when it ends by itself; none: it does not
  MonoTime written = {};                     ///< when it was put into Redis

  Fields encode() const;
  static Result<HealthRecord> decode(const Fields& fields);
  bool operator==(const HealthRecord&) const = default;
};

/// `…:routing`: what routed *read back* from the kernel.
struct RoutingRecord {
  struct Active {
    std::string uplink;
    std::string device;
    std::optional<IpAddress> gateway;
    unsigned weight = 1;

    bool operator==(const Active&) const = default;
  };
  struct PerFamily {
    std::vector<Active> active;  ///< who carries the default; empty: routed has no default in force
    WallTime since;
    std::string event;                          ///< the event that caused the last switch
    std::optional<Duration> decided_to_kernel;  ///< of the last switch: event noticed by routed → read back
    std::optional<Duration> chain;              ///< of the last switch: as in its event
    /// The uplink by which each policy's traffic goes, by the policy's name; empty: it is refused.
    std::map<std::string, std::string> policies = {};

    bool operator==(const PerFamily&) const = default;
  };
  std::string sync;  ///< "in_sync", or what is wrong: "cannot add …: Operation not permitted"
  std::map<Family, PerFamily> families;
  /// What on this host keeps legitimate traffic from flowing or was changed for its sake, each with the remedy; not
  /// empty, and at most kMaxWarnings: more are left away.
  std::vector<std::string> warnings = {};
  std::string drill = {};  ///< the uplink that is a black hole for a drill; empty: none
  std::optional<WallTime> drill_until = {};

  Fields encode() const;
  static Result<RoutingRecord> decode(const Fields& fields);
  bool operator==(const RoutingRecord&) const = default;
};

/// One entry of the stream `…:events`.
struct EventRecord {
  std::string id;  ///< one id from the missed probe to the last kernel change: "<boot>-<mono ns, hex>"
  WallTime at;
  std::string source;  ///< the daemon
  std::string kind;    ///< "health", "route", "policy", "link", "admin", "drill"
  std::string uplink;  ///< may be empty
  std::optional<Family> family;
  std::string from;  ///< the state or uplinks before
  std::string to;
  std::string reason;
  std::optional<Duration> took;  ///< health: cause → decision; route: noticed → in the kernel; whole us
  std::optional<MonoTime> decided;  ///< settling of the probe that decided; none: no probe did
  std::optional<Duration>
      chain;  ///< from then → health: the decision; route: read back from the kernel; whole us

  /// The id of what begins at this moment of this boot.
  static std::string make_id(std::string_view boot, MonoTime at);

  Fields encode() const;
  static Result<EventRecord> decode(const Fields& fields);
  bool operator==(const EventRecord&) const = default;
};

/// `…:daemon:<name>`: liveness, with a short TTL.
struct DaemonRecord {
  int pid = 0;
  std::string version;
  WallTime started;
  std::string config_hash;  ///< 16 hex digits over the configuration in force
  bool stores = true;       ///< false: Redis is full (maxmemory): what else it has written is old
  bool notifies = false;    ///< [notify] names a receiver: a notifyd that does not run is missed

  static constexpr const char* kStoresNothing = "Redis is full and takes nothing from it";

  Fields encode() const;
  static Result<DaemonRecord> decode(const Fields& fields);
  bool operator==(const DaemonRecord&) const = default;
};

}  // namespace multilink
