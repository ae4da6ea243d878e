// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/flow_keeper.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "multilink/core/route_plan.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kTable = "the table inet multilink";

/// From a suspect only where the administrator lets it; from what is worse than that always.
DevicesByFamily udp_moves(const FlowView& view) {
  DevicesByFamily out = view.giving_way;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
    const auto& uplink = view.config.uplinks[i];
    if (uplink.suspect_moves == SuspectMoves::udp) continue;
    for (auto& [family, devices] : out) {
      const auto health = view.health[i].find(family);
      const bool is_suspect = health != view.health[i].end() && health->second.state == HealthState::suspect;
      if (is_suspect && view.facts[i].families.at(family).fact == LinkFact::ok) devices.erase(uplink.device);
    }
  }
  return out;
}

}  // namespace

FlowKeeper::FlowKeeper(Scheduler& scheduler, Log& log, FlowPorts ports, Calls calls)
    : scheduler_(scheduler),
      ports_(ports),
      calls_(std::move(calls)),
      complaints_(log),
      mover_(
          {scheduler, ports.connections, ports.sockets, ports.clients, log},
          [this](std::span<const ConnectionTuple> connections) { return reset(connections); },
          [this](const EvictionOrder& order, const Result<MovedFlows>& moved) { on_done(order, moved); }) {
  ports_.filter.watch([this] {
    const auto in_force = ports_.filter.is_in_force();
    if (in_force && *in_force) return;
    in_force_.reset();
    keep_filter();
  });
}

void FlowKeeper::follow(const FlowView& view) {
  former_.see(view.state, links_of(view), scheduler_.now().mono);
  wanted_ = plan_filter(view.config, view.state, view.indices, view.facts, udp_moves(view));
  keep_filter();
  evict(view);
}

void FlowKeeper::keep_filter() {
  if (in_force_ == wanted_) return;
  in_force_.reset();
  const auto replaced = ports_.filter.replace(wanted_);
  if (replaced) {
    in_force_ = wanted_;
    return complaints_.accept(kTable);
  }
  complaints_.refuse(kTable,
                     cat("cannot be put in force, connections are not pinned: ", replaced.error().message,
                         "; it is tried again"),
                     scheduler_.now().mono);
  look_in(kRetry);
}

void FlowKeeper::evict(const FlowView& view) {
  const MonoTime now = scheduler_.now().mono;
  auto orders = std::exchange(repeated_, {});
  for (const Family family : kRoutedFamilies) {
    const auto carriers = view.carriers.find(family);
    std::vector<EvictionSubject> subjects;
    for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
      const auto& uplink = view.config.uplinks[i];
      const auto health = view.health[i].find(family);
      const BelievedHealth believed = health == view.health[i].end() ? BelievedHealth() : health->second;
      subjects.push_back({uplink, view.indices.at(uplink.device), view.facts[i].families.at(family).fact,
                          believed.state, believed.answers,
                          carriers != view.carriers.end() && carriers->second.contains(uplink.device)});
    }
    const auto step = policy_.step(family, subjects, now);
    orders.insert(orders.end(), step.orders.begin(), step.orders.end());
    if (step.next) look_in(*step.next - now);
  }
  for (auto& [family, uplinks] : letting_go_) {
    std::erase_if(uplinks, [&](const auto& uplink) { return uplink.second <= now; });
    for (const auto& [index, until] : uplinks) look_in(until - now);
  }
  if (orders.empty()) return;
  const auto inside = std::make_shared<const InsideNetworks>(view.state, links_of(view), former_.addresses());
  for (const auto& order : orders) mover_.carry_out(order, view.config.suite.mark_mask, inside);
}

std::set<unsigned> FlowKeeper::links_of(const FlowView& view) {
  std::set<unsigned> links;
  for (const auto& facts : view.facts) {
    if (facts.link_index != 0) links.insert(facts.link_index);
  }
  return links;
}

Result<void> FlowKeeper::reset(std::span<const ConnectionTuple> connections) {
  std::vector<TcpTuple> tuples;
  tuples.reserve(connections.size());
  for (const auto& connection : connections) {
    tuples.push_back(
        {connection.source, connection.source_port, connection.destination, connection.destination_port});
  }
  const auto done = ports_.filter.reset(tuples);
  if (!done) return tl::unexpected<Error>(done.error());
  return {};
}

void FlowKeeper::on_done(const EvictionOrder& order, const Result<MovedFlows>& moved) {
  if (!moved) {
    policy_.failed(order, scheduler_.now().mono);
    return look_in(EvictionPolicy::kRetry);
  }
  if (moved->total() > 0) calls_.on_moved(order, *moved);
  const bool is_return = order.cause == EvictionCause::failback || order.cause == EvictionCause::metered;
  if (is_return && !order.again && moved->udp_local > 0) let_go(order);
}

/// What came back by the rule for its address in the meantime goes as well.
void FlowKeeper::let_go(EvictionOrder order) {
  letting_go_[order.family][order.index] = scheduler_.now().mono + kLetGo;
  order.again = true;
  repeated_.push_back(std::move(order));
  calls_.look_again();
}

IndicesByFamily FlowKeeper::letting_go() const {
  const MonoTime now = scheduler_.now().mono;
  IndicesByFamily out;
  for (const auto& [family, uplinks] : letting_go_) {
    for (const auto& [index, until] : uplinks) {
      if (now < until) out[family].insert(index);
    }
  }
  return out;
}

/// The earliest of the wishes counts.
void FlowKeeper::look_in(Duration delay) {
  const MonoTime due = scheduler_.now().mono + delay;
  if (timer_ && due_ <= due) return;
  due_ = due;
  timer_ = scheduler_.after(delay, [this] {
    timer_.reset();
    calls_.look_again();
  });
}

}  // namespace multilink
