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

/// Where the setting is now; none: its device is not there.
std::optional<std::string> path_of(const ChangedSetting& changed, const KernelState& state) {
  if (!is_of_device(changed.setting)) return path_of(changed.setting);
  const Link* link = state.link_at(changed.link_index);
  return link == nullptr ? std::nullopt : std::optional(path_of(changed.setting, link->name));
}

/// The changes that are in force still, and whose device is there.
std::vector<RestoredSetting> in_force(const KernelState& state, const HostSettings& settings,
                                      const std::vector<ChangedSetting>& changed) {
  std::vector<RestoredSetting> out;
  for (const auto& each : changed) {
    const auto path = path_of(each, state);
    if (path && value_of(settings, *path) == each.ours) out.push_back({*path, each});
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
  for (const auto& each : kept) {
    if (each.before)
      out.push_back({each.wanted.link_index, each.wanted.setting, each.original, *each.before});
  }
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
    if (each.changed.setting == KernelSetting::accept_ra) hearing.insert(each.changed.link_index);
  }
  auto findings = check_host(config, state, of_administrator, numbers, hearing);
  HostPlan plan;
  plan.warnings = std::move(findings.warnings);
  for (auto& wanted : findings.wanted) {
    const auto present = value_of(settings, wanted.path());
    KeptSetting kept{wanted, of_administrator.at(wanted.path()), present == wanted.value};
    const auto taken =
        std::erase_if(ours, [&](const RestoredSetting& each) { return each.path == wanted.path(); });
    if (taken > 0 && !kept.is_set) kept.before = present;
    plan.kept.push_back(std::move(kept));
  }
  plan.restored = std::move(ours);
  return plan;
}

std::vector<std::string> settings_to_read(const Config& config, const KernelState& state,
                                          const std::vector<ChangedSetting>& changed) {
  auto out = settings_to_read(config, state);
  for (const auto& each : changed) {
    if (auto path = path_of(each, state)) out.push_back(std::move(*path));
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
