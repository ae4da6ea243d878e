// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_selectors.hpp"

#include <algorithm>
#include <tuple>

namespace multilink {
namespace {

auto selectors(const Rule& rule) {
  return std::tie(rule.from, rule.to, rule.mark, rule.iif, rule.oif, rule.uids, rule.ip_protocol,
                  rule.source_ports, rule.destination_ports, rule.inverted, rule.has_other_selectors);
}

bool is_plain(const Rule& rule) {
  return !rule.inverted && !rule.has_other_selectors;
}

/// What fits both: each overload is for two values that are set. No value: nothing does.

std::optional<IpPrefix> both(const IpPrefix& a, const IpPrefix& b) {
  const IpPrefix& longer = a.length >= b.length ? a : b;
  const IpPrefix& shorter = a.length >= b.length ? b : a;
  return shorter.contains(longer.address) ? std::optional(longer) : std::nullopt;
}

std::optional<MarkMatch> both(const MarkMatch& a, const MarkMatch& b) {
  if (((a.value ^ b.value) & a.mask & b.mask) != 0) return std::nullopt;
  return MarkMatch{a.value | b.value, a.mask | b.mask};
}

template <class Range>
std::optional<Range> both_ranges(const Range& a, const Range& b) {
  const Range out{std::max(a.first, b.first), std::min(a.last, b.last)};
  return out.first <= out.last ? std::optional(out) : std::nullopt;
}
std::optional<UidRange> both(const UidRange& a, const UidRange& b) {
  return both_ranges(a, b);
}
std::optional<PortRange> both(const PortRange& a, const PortRange& b) {
  return both_ranges(a, b);
}

template <class Exact>
std::optional<Exact> both(const Exact& a, const Exact& b) {
  return a == b ? std::optional(a) : std::nullopt;
}

/// Narrows one selector by that of the other rule; false: nothing is left.
template <class Selector>
bool narrow(std::optional<Selector>& selector, const std::optional<Selector>& by) {
  if (!by) return true;
  if (!selector) {
    selector = by;
    return true;
  }
  selector = both(*selector, *by);
  return selector.has_value();
}

}  // namespace

bool select_alike(const Rule& a, const Rule& b) {
  return a.family == b.family && selectors(a) == selectors(b);
}

Rule selection_of(Rule rule) {
  rule.protocol = 0;
  rule.table = 0;
  rule.unreachable = false;
  rule.suppress_prefix.reset();
  return rule;
}

bool selects_all(const Rule& rule) {
  return selectors(rule) == selectors(Rule{});
}

std::optional<Rule> narrowed(Rule rule, const Rule& other) {
  if (rule.family != other.family || !is_plain(rule) || !is_plain(other)) return std::nullopt;
  const bool any =
      narrow(rule.from, other.from) && narrow(rule.to, other.to) && narrow(rule.mark, other.mark) &&
      narrow(rule.iif, other.iif) && narrow(rule.oif, other.oif) && narrow(rule.uids, other.uids) &&
      narrow(rule.ip_protocol, other.ip_protocol) && narrow(rule.source_ports, other.source_ports) &&
      narrow(rule.destination_ports, other.destination_ports);
  return any ? std::optional(std::move(rule)) : std::nullopt;
}

bool may_overlap(const Rule& a, const Rule& b) {
  if (a.family != b.family) return false;
  return !is_plain(a) || !is_plain(b) || narrowed(a, b).has_value();
}

}  // namespace multilink
