// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/host_watch.hpp"

#include <algorithm>
#include <iterator>

#include "multilink/core/docker_forwarding.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/route_actions.hpp"

namespace multilink {
namespace {

HostSettings read_settings(const std::vector<std::string>& paths, Sysctls& sysctls) {
  HostSettings out;
  for (const auto& path : paths) {
    if (const auto value = sysctls.read(path)) out.emplace(path, *value);
  }
  return out;
}

HostPlan make_plan(const Config& config, const KernelState& state, const std::vector<ChangedSetting>& changed,
                   const HostPorts& ports, const RoutingNumbers& numbers) {
  const auto settings = read_settings(settings_to_read(config, state, changed), ports.sysctls);
  auto plan = plan_host(config, state, settings, changed, numbers);
  auto stopped = docker_stops_lan(config, state, ports.chains.text_of("ip", "filter", "FORWARD"),
                                  ports.chains.text_of("ip", "filter", "DOCKER-USER"));
  if (!stopped.empty()) plan.warnings.push_back(std::move(stopped));
  return plan;
}

class HostTending {
 public:
  HostTending(const HostPorts& ports, HostPlan plan) : ports_(ports), plan_(std::move(plan)) {}

  HostOutcome run(const Result<std::vector<ChangedSetting>>& before) {
    out_.warnings = plan_.warnings;
    if (!before) refused_ = before.error().message;
    if (before && *before != plan_.remembered_before()) remember(plan_.remembered_before());
    for (const auto& each : plan_.kept) keep(each);
    if (!refused_.empty()) return std::move(out_);
    for (const auto& each : plan_.restored) restore(each);
    const bool is_over = out_.failed.empty() && all_kept_;
    if (is_over && plan_.remembered_after() != plan_.remembered_before()) remember(plan_.remembered_after());
    return std::move(out_);
  }

 private:
  void remember(const std::vector<ChangedSetting>& changed) {
    if (const auto saved = ports_.changed.save(changed); !saved) refused_ = saved.error().message;
    if (!refused_.empty()) out_.failed.push_back(refused_);
  }

  void keep(const KeptSetting& setting) {
    const auto& wanted = setting.wanted;
    const auto name = sysctl_name(wanted.path());
    std::string problem = refused_;
    if (!setting.is_set && problem.empty()) {
      if (const auto written = ports_.sysctls.write(wanted.path(), wanted.value); !written) {
        problem = written.error().message;
      } else {
        out_.done.push_back(cat("sysctl -w ", name, '=', wanted.value));
      }
    }
    if (!setting.is_set && !problem.empty()) {
      all_kept_ = false;
      out_.warnings.push_back(
          cat(wanted.reason, "; set ", name, " to ", wanted.value, ", which multilink could not: ", problem));
    } else if (!wanted.is_asked_for) {
      out_.warnings.push_back(cat(wanted.reason, "; multilink has set ", name, " to ", wanted.value,
                                  ", and 'routed --clear' brings ", setting.original, " back"));
    }
  }

  void restore(const RestoredSetting& setting) {
    const auto written = ports_.sysctls.write(setting.path, setting.changed.original);
    const auto command = cat("sysctl -w ", sysctl_name(setting.path), '=', setting.changed.original);
    if (written) {
      out_.done.push_back(command);
    } else {
      out_.failed.push_back(cat("cannot do '", command, "': ", written.error().message));
    }
  }

  const HostPorts& ports_;
  HostPlan plan_;
  std::string refused_;  ///< why nothing may be changed
  bool all_kept_ = true;
  HostOutcome out_;
};

}  // namespace

HostOutcome tend_host(const Config& config, const KernelState& state, const HostPorts& ports,
                      const RoutingNumbers& numbers) {
  const auto before = ports.changed.load();
  auto plan = make_plan(config, state, before.value_or(std::vector<ChangedSetting>{}), ports, numbers);
  auto out = HostTending(ports, std::move(plan)).run(before);
  if (!before) out.failed.push_back(before.error().message);
  return out;
}

Result<std::vector<std::string>> restore_host(const KernelState& state, const HostPorts& ports) {
  auto outcome = tend_host(Config{}, state, ports, {});
  if (!outcome.failed.empty()) return fail(outcome.failed.front());
  return std::move(outcome.done);
}

std::vector<std::string> preview_host(const Config& config, const KernelState& state, const HostPorts& ports,
                                      const RoutingNumbers& numbers) {
  std::vector<std::string> out;
  const auto changed = ports.changed.load();
  if (!changed) out.push_back(cat("# ", changed.error().message));
  const auto plan = make_plan(config, state, changed.value_or(std::vector<ChangedSetting>{}), ports, numbers);
  for (const auto& warning : plan.warnings) out.push_back(cat("# ", warning));
  for (const auto& kept : plan.kept) {
    if (!kept.wanted.is_asked_for || !kept.is_set) out.push_back(cat("# ", kept.wanted.reason));
  }
  for (auto& command : commands_of(plan)) out.push_back(std::move(command));
  return out;
}

std::vector<std::string> with_host(std::vector<std::string> routes, std::vector<std::string> host) {
  const bool changes =
      std::any_of(host.begin(), host.end(), [](const std::string& line) { return !line.starts_with('#'); });
  if (changes) std::erase(routes, kNothingToChange);
  routes.insert(routes.end(), std::make_move_iterator(host.begin()), std::make_move_iterator(host.end()));
  return routes;
}

HostWatch::HostWatch(Scheduler& scheduler, KernelReader& kernel, HostPorts ports, Log& log,
                     RoutingNumbers numbers, std::function<void()> on_change)
    : scheduler_(scheduler),
      kernel_(kernel),
      ports_(ports),
      log_(log),
      numbers_(numbers),
      on_change_(std::move(on_change)) {}

void HostWatch::set_config(const Config& config) {
  config_ = config;
  look_soon();
}

void HostWatch::see(const KernelState& state) {
  if (state.links == links_ && state.addresses == addresses_) return;
  links_ = state.links;
  addresses_ = state.addresses;
  look_soon();
}

void HostWatch::look_soon() {
  const MonoTime soon = scheduler_.now().mono + kSoon;
  const MonoTime when = looked_ ? std::max(soon, *looked_ + kPause) : soon;
  if (!timer_ || when < next_) look_at(when);
}

void HostWatch::look_at(MonoTime when) {
  next_ = when;
  timer_ = scheduler_.after(when - scheduler_.now().mono, [this] { look(); });
}

void HostWatch::look() {
  looked_ = scheduler_.now().mono;
  look_at(*looked_ + kEvery);
  const auto state = kernel_.read();
  if (!state) return;  // routed itself tells of that
  auto outcome = tend_host(config_, *state, ports_, numbers_);
  for (const auto& command : outcome.done) log_.info(cat("this host: ", command));
  for (const auto& failed : outcome.failed) {
    if (std::find(failed_.begin(), failed_.end(), failed) == failed_.end())
      log_.error(cat("this host: ", failed));
  }
  failed_ = std::move(outcome.failed);
  if (outcome.warnings == warnings_) return;
  warnings_ = std::move(outcome.warnings);
  on_change_();
}

}  // namespace multilink
