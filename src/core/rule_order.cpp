// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_order.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "multilink/core/rule_selectors.hpp"

namespace multilink {
namespace {

constexpr auto kBehindAll = std::numeric_limits<std::size_t>::max();

struct ByValue {
  bool operator()(const Rule* a, const Rule* b) const { return *a < *b; }
};

/// The wanted rules so far of one family and priority.
struct Earlier {
  struct One {
    const Rule* rule;
    std::size_t position;  ///< among the actual ones, or kBehindAll where it is still to come
  };
  std::vector<One> all;
  std::size_t hindmost = 0;  ///< the greatest position of them

  /// With a thousand rules in their order the hindmost tells enough.
  bool has_one_behind(std::size_t position, const Rule& rule) const {
    return hindmost > position && std::any_of(all.begin(), all.end(), [&](const One& one) {
             return one.position > position && may_overlap(*one.rule, rule);
           });
  }
  void add(const Rule& rule, std::size_t position) {
    all.push_back({&rule, position});
    hindmost = std::max(hindmost, position);
  }
};

}  // namespace

std::vector<RuleStand> compare_rules(const std::vector<Rule>& wanted, const std::vector<Rule>& actual) {
  std::map<const Rule*, std::size_t, ByValue> positions;  // of doubles that of the first
  for (std::size_t i = 0; i < actual.size(); ++i) positions.emplace(&actual[i], i);
  std::map<std::pair<Family, std::uint32_t>, Earlier> groups;
  std::vector<RuleStand> out;
  out.reserve(wanted.size());
  for (const auto& rule : wanted) {
    auto& earlier = groups[{rule.family, rule.priority}];
    const auto found = positions.find(&rule);
    RuleStand place = RuleStand::right;
    if (found == positions.end()) {
      place = RuleStand::missing;
    } else if (earlier.has_one_behind(found->second, rule)) {
      place = RuleStand::too_early;
    }
    earlier.add(rule, place == RuleStand::right ? found->second : kBehindAll);
    out.push_back(place);
  }
  return out;
}

}  // namespace multilink
