// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/route_lookup.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What `multilinkctl explain` says: where a packet goes, and why.

/// The kernel's own answer to the same question (RTM_GETROUTE).
struct KernelAnswer {
  LookupEnd end = LookupEnd::carried;
  std::uint32_t table = 0;  ///< 0: it did not say
  bool local = false;       ///< to this host itself
  bool special = false;     ///< a broadcast and the like
  std::string device = {};
  std::optional<IpAddress> gateway = std::nullopt;
  std::string objection =
      {};  ///< it takes no such packet, for this reason; but for `end` nothing else counts

  bool operator==(const KernelAnswer&) const = default;
};

struct ExplainInputs {
  const Config& config;
  const KernelState& state;  ///< all routes that hold the destination, and all rules
  const RoutingNumbers& numbers;
  Flow flow;
  std::string assumed;  ///< what of the flow was not said but worked out, for people; may be empty
  /// By name, of uplinks as they are now. The Error says why nothing is known.
  Result<std::map<std::string, HealthRecord>> health;
  Result<KernelAnswer> kernel;  ///< the Error: it could not be asked
};

/// What decided.
enum class DecidedBy : std::uint8_t {
  this_host,       ///< the destination is an address of this host
  specific_route,  ///< a route to some network, the LAN or another
  pin,             ///< the mark of the packet: its connection began on that uplink
  own_address,     ///< it bears an address of the uplink
  own_device,      ///< its socket is bound to the uplink's device
  policy,
  default_route,  ///< multilink's default
  other_default,  ///< the default of another program
  other_rule,     ///< a rule of another program: a VPN, say
  nothing,        ///< no rule led to a route
};
std::string_view to_string(DecidedBy by);  ///< the token

/// An uplink as it stands in the destination's family.
struct ExplainedUplink {
  std::string name;
  std::string device;
  unsigned precedence = 1;
  bool enabled = true;
  LinkFact fact = LinkFact::ok;
  std::optional<HealthState> state = std::nullopt;  ///< none: not known
  std::string reason = {};                          ///< healthd's
  std::string disabled_by = {};                     ///< where it is not the configuration that says so
  bool drained = false;

  bool operator==(const ExplainedUplink&) const = default;
};

enum class Checked : std::uint8_t {
  agrees,
  differs,
  drops,  ///< whatever the tables say: KernelAnswer::objection
  not_asked,
};
std::string_view to_string(Checked checked);  ///< the token

struct ExplainedRule {
  std::string rule;  ///< in the words of `ip rule`
  RuleStep::Outcome outcome = RuleStep::Outcome::no_route;

  bool operator==(const ExplainedRule&) const = default;
};
std::string_view to_string(RuleStep::Outcome outcome);  ///< the token

/// Where it would go if the uplink by which it goes fell silent.
struct Alternative {
  LookupEnd end = LookupEnd::no_route;
  std::string uplink;  ///< empty: none of multilink's
  std::string device;  ///< empty where nothing carries it
  std::optional<IpAddress> gateway;
  bool is_shared = false;  ///< other uplinks of its precedence may carry it as well
  std::string text;        ///< all of it in a sentence

  bool operator==(const Alternative&) const = default;
};

struct Explanation {
  Flow flow;
  std::string assumed;
  LookupEnd end = LookupEnd::no_route;
  DecidedBy by = DecidedBy::nothing;
  std::string uplink;  ///< by name; empty: none of multilink's carries it
  std::string policy;  ///< that decided; may be empty
  std::string device;  ///< empty where nothing carries it
  std::optional<IpAddress> gateway;
  std::optional<std::uint32_t> table;
  std::vector<ExplainedRule>
      rules;                    ///< that took the packet, in their order; the last one decided, if any did
  std::size_t other_rules = 0;  ///< before that one, which select other packets
  std::string route;            ///< in the words of `ip route`; may be empty
  std::vector<std::string> because;  ///< sentences
  Checked checked = Checked::not_asked;
  std::string kernel;                     ///< what the kernel said, or why it was not asked
  std::vector<ExplainedUplink> uplinks;   ///< best first
  std::string health_problem;             ///< why the health is not known; may be empty
  std::optional<Alternative> if_it_died;  ///< there is `uplink`
};

/// "fibre (eth0)", or the device alone where nothing else is known or both are called the same.
std::string device_words(const std::string& uplink, const std::string& device);

Explanation explain(const ExplainInputs& inputs);

/// For a terminal: printable ASCII, a screenful.
std::string render_explanation_text(const Explanation& explanation);

/// The version of the shape that docs/explain.md describes.
inline constexpr int kExplanationJsonVersion = 1;
std::string render_explanation_json(const Explanation& explanation);

}  // namespace multilink
