// SPDX-License-Identifier: GPL-2.0-or-later
// What PingService sees of the links themselves.
#include <algorithm>
#include <utility>

#include "multilink/core/link_report.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/ping_service.hpp"

namespace multilink {
namespace {

constexpr Duration kKernelRetry = std::chrono::seconds(1);
/// Routes and addresses change several at a time, and what changes them, routed at a switch, wants the processor.
constexpr Duration kKernelPause = std::chrono::milliseconds(5);

}  // namespace

void PingService::on_kernel_change(const KernelChange& change) {
  if (change.links || change.overrun) return read_kernel();
  if (!(change.addresses || change.routes) || kernel_pause_) return;
  kernel_pause_ = ports_.scheduler.after(kKernelPause, [this] { read_kernel(); });
}

void PingService::read_kernel() {
  kernel_pause_.reset();
  kernel_retry_.reset();
  const auto state = ports_.kernel.read();
  if (!state) return on_kernel_problem(state.error());
  if (!std::exchange(kernel_problem_, {}).empty()) ports_.log.info("the kernel can be read again");
  observe(*state);
  watch_traffic();
  note_all_times();
  schedule_bursts();
  schedule_deadlines();
  if (!kernel_read_) {
    kernel_read_ = true;
    update_ticks();
    ports_.supervisor.ready();
  }
  show_status();
}

void PingService::observe(const KernelState& state) {
  const MonoTime now = ports_.scheduler.now().mono;
  const auto leases = in_force(ports_.leases.read(), ports_.scheduler.now().wall);
  std::optional<MonoTime> again;
  for (const auto& [name, uplink] : uplinks_) {
    const auto& config = uplink->probing.config();
    auto facts = observe_uplink(config, state, numbers_, leases);
    gateway_memory_.apply(config.device, state, facts);
    const auto end = gateways_.apply(config.device, facts, now);
    if (end && (!again || *end < *again)) again = end;
    note_facts(*uplink, std::move(facts));
  }
  gateway_timer_.reset();
  if (again) gateway_timer_ = ports_.scheduler.after(*again - now, [this] { read_kernel(); });
}

void PingService::watch_traffic() {
  std::map<std::string, unsigned> links;
  for (const auto& [name, uplink] : uplinks_) {
    const auto& facts = uplink->probing.facts();
    const bool can_be_asked = std::any_of(kFamilies.begin(), kFamilies.end(), [&](Family family) {
      const auto seen = facts.families.find(family);  // none before the kernel has been read
      return seen != facts.families.end() && seen->second.fact == LinkFact::ok;
    });
    if (can_be_asked) links[name] = facts.link_index;
  }
  traffic_.set_links(links);
}

void PingService::on_kernel_problem(const Error& error) {
  if (kernel_problem_ != error.message) {
    kernel_problem_ = error.message;
    ports_.log.error(
        cat("cannot read the kernel's links and routes: ", error.message, "; tried each second"));
  }
  kernel_retry_ = ports_.scheduler.after(kKernelRetry, [this] { read_kernel(); });
}

void PingService::note_facts(Uplink& uplink, UplinkFacts facts) {
  const auto& config = uplink.probing.config();
  auto record = make_link_record(config, facts, boot_, ports_.scheduler.now().wall);
  uplink.probing.set_facts(std::move(facts), ports_.scheduler.now().mono);
  warn_of_missing_targets(uplink, record);
  const auto before = std::exchange(uplink.link, record);
  if (before) {
    record.since = before->since;
    if (record == *before) {
      uplink.link = before;
      return;
    }
  }
  reporter_.set_link(config.name, *uplink.link);
  for (const Family family : kFamilies) {
    await_gateway(uplink, family, record.families.at(family).fact);
    report_change(uplink, family, before ? &before->families.at(family) : nullptr,
                  record.families.at(family));
  }
}

void PingService::warn_of_missing_targets(Uplink& uplink, const LinkRecord& link) {
  const auto& config = uplink.probing.config();
  for (const auto& [family, seen] : link.families) {
    if (seen.fact != LinkFact::ok || !config.targets_of(family).empty()) continue;
    if (!uplink.untargeted.insert(family).second) continue;
    const auto ip = cat("IPv", to_string(family));
    ports_.log.warning(cat("uplink ", config.name, " has ", ip, ", but there is no ", ip,
                           " target: that is not probed, never comes up and is not routed; add two or more ",
                           ip, " addresses to targets"));
  }
}

void PingService::await_gateway(Uplink& uplink, Family family, LinkFact fact) {
  auto& wait = uplink.gateway_waits[family];
  if (fact != LinkFact::no_gateway) return wait.reset();
  if (wait) return;
  const auto& config = uplink.probing.config();
  wait = ports_.scheduler.after(
      kGatewayPatience,
      [this, text = cat("uplink ", config.name, ": ", describe_missing_gateway(config, family))] {
        ports_.log.error(text);
      });
}

void PingService::report_change(const Uplink& uplink, Family family, const LinkRecord::PerFamily* before,
                                const LinkRecord::PerFamily& after) {
  if (before != nullptr && *before == after) return;
  // On a host without IPv6 all of it is told for IPv4.
  if (family == Family::v6 && after.addresses.empty() && (before == nullptr || before->addresses.empty()))
    return;
  const auto& config = uplink.probing.config();
  const auto reason = describe_link(config, family, after);
  const auto words = cat("uplink ", config.name, ": ", reason);
  if (before == nullptr) return ports_.log.info(words);  // the first look is no change
  const Now now = ports_.scheduler.now();
  EventRecord event;
  event.id = EventRecord::make_id(boot_, now.mono);
  event.at = now.wall;
  event.source = "pingd";
  event.kind = "link";
  event.uplink = config.name;
  event.family = family;
  event.from = to_string(before->fact);
  event.to = to_string(after.fact);
  event.reason = reason;
  ports_.log.transition(words, event);
  reporter_.add_event(std::move(event));
}

}  // namespace multilink
