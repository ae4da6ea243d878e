// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "fakes/fake_kernel.hpp"

namespace multilink::fakes {
namespace {

tl::unexpected<Error> failure(int code) {
  return fail(std::strerror(code), code);
}

/// Whether Linux might delete `other` when asked for `rule`: a request matches by what it names only.
bool shadows(const Rule& other, const Rule& rule) {
  Rule named = other;
  if (!rule.from) named.from.reset();
  if (!rule.to) named.to.reset();
  if (!rule.mark) named.mark.reset();
  if (!rule.iif) named.iif.reset();
  if (!rule.oif) named.oif.reset();
  if (!rule.uids) named.uids.reset();
  if (!rule.ip_protocol) named.ip_protocol.reset();
  if (!rule.source_ports) named.source_ports.reset();
  if (!rule.destination_ports) named.destination_ports.reset();
  if (!rule.suppress_prefix) named.suppress_prefix.reset();
  return named == rule;
}

/// As fib_rule_port_range_valid() of Linux: a rule cannot name port 65535.
bool has_good_ports(const Rule& rule) {
  const auto is_good = [](const std::optional<PortRange>& ports) {
    return !ports || (ports->first != 0 && ports->first <= ports->last && ports->last != 0xffff);
  };
  return is_good(rule.source_ports) && is_good(rule.destination_ports);
}

}  // namespace

Result<void> FakeKernel::add_rule(const Rule& rule) {
  if (std::find(state_.rules.begin(), state_.rules.end(), rule) != state_.rules.end()) return failure(EEXIST);
  return append_rule(rule);
}

Result<void> FakeKernel::append_rule(const Rule& rule) {
  if (!has_good_ports(rule)) return failure(EINVAL);
  const auto place = std::find_if(state_.rules.begin(), state_.rules.end(), [&](const Rule& other) {
    return other.family == rule.family && other.priority > rule.priority;
  });
  state_.rules.insert(place, rule);
  note({.rules = true});
  return {};
}

Result<void> FakeKernel::add_rule_before_all(Rule rule) {
  std::vector<std::uint32_t> priorities;
  for (const auto& other : state_.rules) {
    if (other.family == rule.family) priorities.push_back(other.priority);
  }
  rule.priority = priorities.size() < 2 || priorities[1] == 0 ? 0 : priorities[1] - 1;
  return add_rule(rule);
}

Result<void> FakeKernel::delete_rule(const Rule& rule) {
  const auto found = std::find(state_.rules.begin(), state_.rules.end(), rule);
  if (found == state_.rules.end()) return failure(ENOENT);
  if (std::any_of(state_.rules.begin(), found, [&](const Rule& other) { return shadows(other, rule); })) {
    return failure(EBUSY);
  }
  state_.rules.erase(found);
  note({.rules = true});
  return {};
}

}  // namespace multilink::fakes
