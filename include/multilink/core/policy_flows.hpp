// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/connection.hpp"
#include "multilink/core/eviction.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/policy_plan.hpp"

namespace multilink {

/// Which policy a connection belongs to, told by its ends as routing saw them when it began: the source before it was
/// translated, the destination after. The device is the one towards the source. What mark its first packet
/// bore is not known any more: a policy with a mark only *may* have it.
class PolicyFlows {
 public:
  PolicyFlows() = default;  ///< there are no policies
  /// `goes_by`: the uplink (device as configured) of each policy now.
  PolicyFlows(const Config& config, const KernelState& state, const PolicyUplinks& goes_by);

  /// The name of its policy; empty: the main choice takes it. No value: that cannot be told.
  std::optional<std::string_view> policy_of(const Connection& connection, const InsideNetworks& inside) const;
  /// Whether it would go by this uplink (its name) if it began anew, or might.
  bool may_stay(const Connection& connection, const InsideNetworks& inside, std::string_view uplink) const;
  /// Whether the order, which is about the connection's uplink, is about the connection.
  bool is_about(const EvictionOrder& order, const Connection& connection, const InsideNetworks& inside) const;

 private:
  struct Policy {
    std::string name;
    bool by_mark = false;
    std::map<Family, std::vector<Rule>> selectors;  ///< without the mark
    std::map<Family, std::string> goes_by;          ///< names of uplinks
  };

  /// The policies that may have it, in the order of the file, up to the first that has it for certain.
  std::vector<const Policy*> candidates(const Connection& connection, const InsideNetworks& inside) const;

  std::vector<Policy> policies_;
  bool by_device_ = false;                 ///< one of them selects by it
  std::map<unsigned, std::string> links_;  ///< names by index
};

}  // namespace multilink
