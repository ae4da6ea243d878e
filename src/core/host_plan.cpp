// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/host_plan.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::optional<int> value_of(const HostSettings& settings, const std::string& path) {
  const auto found = settings.find(path);
  return found == settings.end() ? std::nullopt : std::optional(found->second);
}

/// The changes that are in force still, and whose device is there.
std::vector<RestoredSetting> in_force(const KernelState& state, const HostSettings& settings,
                                      const std::vector<ChangedSetting>& changed) {
  std::vector<RestoredSetting> out;
  for (const auto& each : changed) {
    const Link* link = state.link_at(each.link_index);
    if (link == nullptr) continue;
    const auto path = path_of(each.setting, link->name);
    if (value_of(settings, path) == each.ours) out.push_back({path, each});
  }
  return out;
}

std::string write_command(const std::string& path, int value) {
  return cat("sysctl -w ", sysctl_name(path), '=', value);
}

}  // namespace

std::vector<ChangedSetting> HostPlan::remembered_after() const {
  std::vector<ChangedSetting> out;
  for (const auto& each : kept) {
    out.push_back({each.wanted.link_index, each.wanted.setting, each.original, each.wanted.value});
  }
  return out;
}

std::vector<ChangedSetting> HostPlan::remembered_before() const {
  auto out = remembered_after();
  for (const auto& each : restored) out.push_back(each.changed);
  return out;
}

HostPlan plan_host(const Config& config, const KernelState& state, const HostSettings& settings,
                   const std::vector<ChangedSetting>& changed, const RoutingNumbers& numbers) {
  auto ours = in_force(state, settings, changed);
  HostSettings of_administrator = settings;
  std::set<unsigned> hearing;
  for (const auto& each : ours) {
    of_administrator[each.path] = each.changed.original;
    if (each.changed.setting == LinkSetting::accept_ra) hearing.insert(each.changed.link_index);
  }
  auto findings = check_host(config, state, of_administrator, numbers, hearing);
  HostPlan plan;
  plan.warnings = std::move(findings.warnings);
  for (auto& wanted : findings.wanted) {
    KeptSetting kept{wanted, of_administrator.at(wanted.path()),
                     value_of(settings, wanted.path()) == wanted.value};
    std::erase_if(ours, [&](const RestoredSetting& each) { return each.path == wanted.path(); });
    plan.kept.push_back(std::move(kept));
  }
  plan.restored = std::move(ours);
  return plan;
}

std::vector<std::string> settings_to_read(const Config& config, const KernelState& state,
                                          const std::vector<ChangedSetting>& changed) {
  auto out = settings_to_read(config, state);
  for (const auto& each : changed) {
    const Link* link = state.link_at(each.link_index);
    if (link != nullptr) out.push_back(path_of(each.setting, link->name));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::string> commands_of(const HostPlan& plan) {
  std::vector<std::string> out;
  for (const auto& each : plan.kept) {
    if (!each.is_set) out.push_back(write_command(each.wanted.path(), each.wanted.value));
  }
  for (const auto& each : plan.restored) out.push_back(write_command(each.path, each.changed.original));
  return out;
}

}  // namespace multilink
