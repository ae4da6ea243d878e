// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_order.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "multilink/core/rule_selectors.hpp"

namespace multilink {
namespace {

constexpr auto kBehindAll = std::numeric_limits<std::size_t>::max();

struct ByValue {
  bool operator()(const Rule* a, const Rule* b) const { return *a < *b; }
};

/// The one selector by which a rule is filed: two rules filed by the same selector and with different values never
/// overlap. So with thousands of uplinks, each with rules of its own, not every rule is compared with every other.
struct File {
  enum class By : std::uint8_t { mark, oif, source, nothing };

  std::pair<By, std::uint32_t> selector{By::nothing, 0};  ///< with the mask of a mark
  std::tuple<std::uint32_t, std::string_view, IpAddress> value{};
};

File file_of(const Rule& rule) {
  if (rule.inverted || rule.has_other_selectors) return {};
  if (rule.mark) return {{File::By::mark, rule.mark->mask}, {rule.mark->value & rule.mark->mask, {}, {}}};
  if (rule.oif) return {{File::By::oif, 0}, {0, *rule.oif, {}}};
  if (rule.from && rule.from->length == rule.from->address.size() * 8) {
    return {{File::By::source, 0}, {0, {}, rule.from->address}};
  }
  return {};
}

/// The wanted rules so far of one family and priority.
class Earlier {
 public:
  /// Whether one that may overlap with `rule` stands, or will, behind `position`.
  bool has_one_behind(std::size_t position, const Rule& rule) const {
    if (hindmost_ <= position) return false;
    const File own = file_of(rule);
    const auto is_behind = [&](const Drawer& drawer) { return drawer.has_one_behind(position, rule); };
    return std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
      const auto& [selector, drawers] = file;
      if (selector == own.selector) {
        const auto same = drawers.find(own.value);
        return same != drawers.end() && is_behind(same->second);
      }
      return std::any_of(drawers.begin(), drawers.end(),
                         [&](const auto& drawer) { return is_behind(drawer.second); });
    });
  }
  /// `position`: among the actual ones, or kBehindAll where it is still to come. `rule` outlives this.
  void add(const Rule& rule, std::size_t position) {
    const File own = file_of(rule);
    files_[own.selector][own.value].add(rule, position);
    hindmost_ = std::max(hindmost_, position);
  }

 private:
  struct Drawer {
    std::vector<std::pair<std::size_t, const Rule*>> rules;
    std::size_t hindmost = 0;

    bool has_one_behind(std::size_t position, const Rule& rule) const {
      return hindmost > position && std::any_of(rules.begin(), rules.end(), [&](const auto& one) {
               return one.first > position && may_overlap(*one.second, rule);
             });
    }
    void add(const Rule& rule, std::size_t position) {
      rules.emplace_back(position, &rule);
      hindmost = std::max(hindmost, position);
    }
  };

  std::map<decltype(File::selector), std::map<decltype(File::value), Drawer>> files_;
  std::size_t hindmost_ = 0;
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
