// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/flow_keeper.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "multilink/core/connection_selection.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kTable = "the table inet multilink";
constexpr std::string_view kMarks = "the marks of existing connections";

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

void FlowKeeper::prepare(const FlowView& view) {
  note_addresses(view);
  wanted_ = plan_filter(view.config, view.state, view.indices, view.facts);
  adopt_connections(view);
  keep_filter();
}

void FlowKeeper::follow(const FlowView& view) {
  note_addresses(view);
  wanted_ = plan_filter(view.config, view.state, view.indices, view.facts);
  keep_filter();
  evict(view);
}

void FlowKeeper::adopt_connections(const FlowView& view) {
  const PacketMarks marks(view.config.suite.mark_mask);
  std::vector<AdoptingUplink> uplinks;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
    AdoptingUplink adopting{view.indices.at(view.config.uplinks[i].device), {}};
    for (const auto& [family, seen] : view.facts[i].families) {
      adopting.addresses.insert(adopting.addresses.end(), seen.addresses.begin(), seen.addresses.end());
    }
    uplinks.push_back(std::move(adopting));
  }
  const auto inside = inside_of(view);
  const auto now = scheduler_.now().mono;
  for (const Family family : kRoutedFamilies) {
    const auto unmarked = ports_.connections.list(family, {0, marks.mask()});
    if (!unmarked) {
      complaints_.refuse(
          kMarks, cat("cannot be set, the first switch may cut them: ", unmarked.error().message), now);
      continue;
    }
    for (const auto& [index, adopted] : connections_to_adopt(*unmarked, uplinks, *inside, marks.mask())) {
      const auto marked = ports_.connections.set_mark(adopted, marks.match(index));
      if (!marked) complaints_.refuse(kMarks, cat("cannot be set: ", marked.error().message), now);
    }
  }
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
  std::vector<EvictionOrder> orders;
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
  if (orders.empty()) return;
  const auto inside = inside_of(view);
  for (const auto& order : orders) mover_.carry_out(order, view.config.suite.mark_mask, inside);
}

void FlowKeeper::note_addresses(const FlowView& view) {
  const MonoTime now = scheduler_.now().mono;
  for (const auto& facts : view.facts) {
    for (const auto& [family, seen] : facts.families) {
      for (const auto& own : seen.addresses) own_addresses_[own.address] = now;
    }
  }
  std::erase_if(own_addresses_, [&](const auto& seen) { return now - seen.second > kFormerFor; });
}

std::shared_ptr<const InsideNetworks> FlowKeeper::inside_of(const FlowView& view) const {
  std::set<unsigned> links;
  for (const auto& facts : view.facts) {
    if (facts.link_index != 0) links.insert(facts.link_index);
  }
  std::set<IpAddress> own;
  for (const auto& [address, seen] : own_addresses_) own.insert(address);
  return std::make_shared<const InsideNetworks>(view.state, links, own);
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
