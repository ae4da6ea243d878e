// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/flow_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "multilink/core/packet_marks.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/unpinned_flows.hpp"

namespace multilink {
namespace {

constexpr std::string_view kTable = "the table inet multilink";
constexpr std::string_view kOrphans = "clients of connections that went with an uplink's address";
/// The second one is for what had no mark yet at the first.
constexpr unsigned kLooksForUntranslated = 2;

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

std::vector<EvictionSubject> subjects_of(const FlowView& view, Family family) {
  const auto carriers = view.carriers.find(family);
  std::vector<EvictionSubject> out;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
    const auto& uplink = view.config.uplinks[i];
    const auto health = view.health[i].find(family);
    const BelievedHealth believed = health == view.health[i].end() ? BelievedHealth() : health->second;
    out.push_back({uplink, view.indices.at(uplink.device), view.facts[i].families.at(family).fact,
                   believed.state, believed.answers,
                   carriers != view.carriers.end() && carriers->second.contains(uplink.device)});
  }
  return out;
}

/// The families that each uplink masquerades.
std::map<unsigned, std::set<Family>> who_masquerades(const PacketFilterTable& table) {
  std::map<unsigned, std::set<Family>> out;
  for (const auto& uplink : table.uplinks) out[uplink.index] = uplink.masquerade;
  return out;
}

/// Makes of them what the policy sees: its own uplink carries, its own list ranks them.
void see_as(const PolicyConfig& policy, Family family, const FlowView& view,
            std::vector<EvictionSubject>& subjects) {
  const auto own = uplink_of(view.policies, policy.name, family);
  for (auto& subject : subjects) {
    subject.carries = own == subject.config.device;
    const auto place = std::find(policy.use.begin(), policy.use.end(), subject.config.name);
    subject.rank = static_cast<unsigned>(place - policy.use.begin());
  }
}

/// But for whose connections they are about.
bool is_alike(EvictionOrder a, const EvictionOrder& b) {
  a.only_of = b.only_of;
  return a == b;
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
    if (looks_for_untranslated_ > 0) calls_.look_again();
  });
}

void FlowKeeper::part_with(const UplinkIndices& departing, std::uint32_t mark_mask) {
  const PacketMarks marks(in_force_ ? in_force_->mark_mask : mark_mask);
  for (const auto& [name, index] : departing) {
    if (index > marks.uplinks()) continue;
    for (const Family family : kRoutedFamilies) {
      evictions_[""].expect_removed(family, index, name);
      waiting_.erase({family, index});
      if (parted_.contains({family, index})) continue;
      // What cannot be read is told by the order, which reads it again.
      if (auto listed = ports_.connections.list(family, marks.match(index))) {
        parted_[{family, index}] = *std::move(listed);
      }
    }
  }
}

/// At the very first start: no table of ours has marked anything, and no rule of ours leads anything yet.
void FlowKeeper::pin_what_is_there(const FlowView& view) {
  const auto exists = ports_.filter.exists();
  if (!exists || *exists) return;
  const PacketMarks marks(view.config.suite.mark_mask);
  const InsideNetworks inside(view.state, links_of(view));
  std::map<unsigned, unsigned> uplinks;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i)
    uplinks[view.facts[i].link_index] = view.indices.at(view.config.uplinks[i].device);
  for (const Family family : kRoutedFamilies) {
    const auto unmarked = ports_.connections.list(family, {0, marks.mask()});
    if (!unmarked) continue;  // as told where connections are moved
    for (const auto& [index, flows] : unpinned_flows(*unmarked, view.state, uplinks, inside))
      (void)ports_.connections.mark(flows, marks.match(index));
  }
}

/// What is pinned stays so under another mask, and what is the probes' theirs. Where the two overlap, it is not until the new table is
/// in force. Gives all of it.
std::vector<Connection> FlowKeeper::mark_anew(std::uint32_t before, std::uint32_t after,
                                              const UplinkIndices& indices) {
  const PacketMarks old(before);
  const PacketMarks marks(after);
  // All are looked for before any is marked: under masks that overlap, a new mark may be another uplink's old one.
  std::vector<std::pair<MarkMatch, std::vector<Connection>>> found;
  const auto look_for = [&](const MarkMatch& from, const MarkMatch& to) {
    for (const Family family : kRoutedFamilies) {
      auto marked = ports_.connections.list(family, from);
      if (marked) found.emplace_back(to, *std::move(marked));  // else as told where connections are moved
    }
  };
  for (const auto& [device, index] : indices) {
    if (index <= old.uplinks() && index <= marks.uplinks()) look_for(old.match(index), marks.match(index));
  }
  look_for(old.match_probes(), marks.match_probes());
  std::vector<Connection> out;
  for (const auto& [mark, connections] : found) {
    (void)ports_.connections.mark(connections, mark);
    out.insert(out.end(), connections.begin(), connections.end());
  }
  return out;
}

void FlowKeeper::prepare(const FlowView& view) {
  const auto mask = view.config.suite.mark_mask;
  const auto before = in_force_ ? in_force_->mark_mask : mask;
  std::vector<Connection> marked_anew;
  if (before != mask) marked_anew = mark_anew(before, mask, view.indices);
  if (!std::exchange(has_begun_, true)) pin_what_is_there(view);
  wanted_ = plan_filter(view.config, view.state, view.indices, view.facts, udp_moves(view), view.tied_users);
  keep_filter();
  if (!in_force_ || before == mask) return;
  // What has begun since the first look was pinned by the old table. Masks that overlap would take a new mark for an old one.
  if ((before & mask) == 0) {
    const auto since = mark_anew(before, mask, view.indices);
    marked_anew.insert(marked_anew.end(), since.begin(), since.end());
  }
  // The bits of the old mask go when nothing asks for them any more.
  (void)ports_.connections.mark(marked_anew, {0, before & ~mask});
}

void FlowKeeper::follow(const FlowView& view) {
  for (const auto& [device, index] : view.indices) {
    for (const Family family : kRoutedFamilies) parted_.erase({family, index});
  }
  former_.see(view.state, links_of(view), scheduler_.now().mono);
  prepare(view);
  watch_addresses(view);
  watch_waiting(view);
  begin_anew(view);
  begin_anew_after_a_switch(view);
  evict(view);
}

void FlowKeeper::watch_addresses(const FlowView& view) {
  UplinkAddresses addresses;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
    for (const auto& [family, seen] : view.facts[i].families) {
      auto& own = addresses[{family, view.indices.at(view.config.uplinks[i].device)}];
      if (seen.fact == LinkFact::no_device || seen.fact == LinkFact::admin_down) continue;
      for (const auto& prefix : seen.addresses) own.insert(prefix.address);
    }
  }
  const auto change = lost_.see(addresses);
  const auto tell = [&](Family family, Duration length) {
    const auto done = ports_.filter.reset_orphans(family, length);
    if (done) return complaints_.accept(kOrphans);
    complaints_.refuse(kOrphans, cat("cannot be told, and find out by themselves: ", done.error().message),
                       scheduler_.now().mono);
  };
  for (const Family family : change.ends) tell(family, Duration{});
  for (const Family family : change.begins) tell(family, kTellOrphans);
  for (const auto& owner : change.loses) {
    const auto waiting = waiting_.find(owner);
    if (waiting != waiting_.end()) waiting->second.lost = scheduler_.now().mono;
  }
  for (const auto& owner : change.appears) begin_anew_behind(addresses.at(owner), owner, view);
}

void FlowKeeper::watch_waiting(const FlowView& view) {
  const MonoTime now = scheduler_.now().mono;
  for (std::size_t i = 0; i < view.config.uplinks.size(); ++i) {
    const auto& uplink = view.config.uplinks[i];
    for (const auto& [family, seen] : view.facts[i].families) {
      const AddressOwner owner{family, view.indices.at(uplink.device)};
      const auto giving = view.giving_way.find(family);
      const bool gives_way = giving != view.giving_way.end() && giving->second.contains(uplink.device);
      const auto known = waiting_.find(owner);
      if (known == waiting_.end()) {
        if (!gives_way || seen.addresses.empty() || seen.fact == LinkFact::admin_down) continue;
        waiting_[owner].due = now + kRemembers;
        look_in(kRemembers);
      } else if (auto& waiting = known->second; waiting.due) {
        if (now < *waiting.due) continue;
        waiting.due.reset();
        // What cannot be read is told where connections are moved.
        const auto listed =
            ports_.connections.list(family, PacketMarks(wanted_.mark_mask).match(owner.uplink));
        if (listed) std::ranges::copy_if(*listed, std::back_inserter(waiting.connections), must_be_told);
      } else if (waiting.lost) {
        const MonoTime due = *waiting.lost + kForgets;
        if (now < due) {
          look_in(due - now);
          continue;
        }
        mover_.tell_forgotten(
            {uplink.name, owner.uplink, family, EvictionScope::all, EvictionCause::link_fact},
            surroundings(view), std::move(waiting.connections));
        waiting = {};
      } else if (!gives_way && seen.fact == LinkFact::ok) {
        waiting_.erase(known);
      }
    }
  }
}

void FlowKeeper::begin_anew_behind(const std::set<IpAddress>& addresses, const AddressOwner& owner,
                                   const FlowView& view) {
  const InsideNetworks inside(view.state, links_of(view), former_.addresses());
  remove_pinned(owner.family, owner.uplink, [&](std::span<const Connection> pinned) {
    return translated_astray(pinned, addresses, inside);
  });
}

void FlowKeeper::remove_pinned(
    Family family, unsigned uplink,
    const std::function<std::vector<Connection>(std::span<const Connection>)>& select) {
  const auto pinned = ports_.connections.list(family, PacketMarks(wanted_.mark_mask).match(uplink));
  if (!pinned) return;  // as told where connections are moved
  const auto selected = select(*pinned);
  if (!selected.empty()) (void)ports_.connections.remove(selected);
}

void FlowKeeper::keep_filter() {
  if (in_force_ == wanted_) return;
  const auto before = std::exchange(in_force_, std::nullopt);
  const auto replaced = ports_.filter.replace(wanted_);
  if (replaced) {
    in_force_ = wanted_;
    if (!before || who_masquerades(*before) != who_masquerades(wanted_)) {
      looks_for_untranslated_ = kLooksForUntranslated;
    }
    return complaints_.accept(kTable);
  }
  complaints_.refuse(kTable,
                     cat("cannot be put in force, connections are not pinned: ", replaced.error().message,
                         "; it is tried again"),
                     scheduler_.now().mono);
  look_in(kRetry);
}

/// Between two defaults of ours traffic may go by a default of others, over a device that is no uplink, and begin there
/// without translation.
void FlowKeeper::begin_anew_after_a_switch(const FlowView& view) {
  const MonoTime now = scheduler_.now().mono;
  if (std::exchange(carriers_, view.carriers) != view.carriers) {
    looks_at_carriers_ = {now + kRetry, now + kRetry / 10};
  }
  if (looks_at_carriers_.empty()) return;
  if (now < looks_at_carriers_.back()) return look_in(looks_at_carriers_.back() - now);
  looks_at_carriers_.pop_back();
  if (!looks_at_carriers_.empty()) look_in(looks_at_carriers_.back() - now);
  remove_untranslated(view, [&](const FilteredUplink& uplink, Family family) {
    const auto carriers = view.carriers.find(family);
    return carriers != view.carriers.end() &&
           std::ranges::any_of(carriers->second, [&](const std::string& device) {
             const auto index = view.indices.find(device);  // one that is configured no longer has none
             return index != view.indices.end() && index->second == uplink.index;
           });
  });
}

void FlowKeeper::begin_anew(const FlowView& view) {
  if (looks_for_untranslated_ == 0) return;
  --looks_for_untranslated_;
  remove_untranslated(view, [](const FilteredUplink&, Family) { return true; });
  if (looks_for_untranslated_ > 0) look_in(kRetry);
}

void FlowKeeper::remove_untranslated(const FlowView& view,
                                     const std::function<bool(const FilteredUplink&, Family)>& is_meant) {
  const InsideNetworks inside(view.state, links_of(view), former_.addresses());
  for (const auto& uplink : wanted_.uplinks) {
    for (const Family family : uplink.masquerade) {
      if (!is_meant(uplink, family)) continue;
      remove_pinned(family, uplink.index,
                    [&](std::span<const Connection> pinned) { return never_translated(pinned, inside); });
    }
  }
}

std::shared_ptr<const ConnectionMover::Surroundings> FlowKeeper::surroundings(const FlowView& view) const {
  return std::make_shared<const ConnectionMover::Surroundings>(ConnectionMover::Surroundings{
      view.config.suite.mark_mask, InsideNetworks(view.state, links_of(view), former_.addresses()),
      PolicyFlows(view.config, view.state, view.policies), view.tied_users});
}

void FlowKeeper::evict(const FlowView& view) {
  const auto& policies = view.config.policies;
  std::erase_if(evictions_, [&](const auto& eviction) {
    return !eviction.first.empty() &&
           std::none_of(policies.begin(), policies.end(),
                        [&](const PolicyConfig& policy) { return policy.name == eviction.first; });
  });
  auto orders = std::exchange(repeated_, {});
  for (const Family family : kRoutedFamilies) {
    auto subjects = subjects_of(view, family);
    step("", family, subjects, orders);
    for (const auto& policy : policies) {
      see_as(policy, family, view, subjects);
      step(policy.name, family, subjects, orders);
    }
  }
  const MonoTime now = scheduler_.now().mono;
  for (auto& [family, uplinks] : letting_go_) {
    std::erase_if(uplinks, [&](const auto& uplink) { return uplink.second <= now; });
    for (const auto& [index, until] : uplinks) look_in(until - now);
  }
  if (orders.empty()) return;
  const auto around = surroundings(view);
  for (auto& order : orders) {
    const auto waiting = waiting_.find({order.family, order.index});
    if (order.scope == EvictionScope::all && waiting != waiting_.end()) waiting->second = {};
    const auto parted = parted_.extract({order.family, order.index});
    mover_.carry_out(std::move(order), around,
                     parted ? std::move(parted.mapped()) : std::vector<Connection>());
  }
}

void FlowKeeper::step(const std::string& choice, Family family, std::span<const EvictionSubject> subjects,
                      std::vector<EvictionOrder>& orders) {
  const MonoTime now = scheduler_.now().mono;
  auto step = evictions_[choice].step(family, subjects, now);
  if (step.next) look_in(*step.next - now);
  for (auto& order : step.orders) {
    if (!is_a_return(order.cause)) {
      if (choice.empty()) orders.push_back(std::move(order));
      continue;  // who has to leave at all is told by the main choice
    }
    const auto same = std::find_if(orders.begin(), orders.end(),
                                   [&](const EvictionOrder& other) { return is_alike(other, order); });
    if (same == orders.end()) {
      order.only_of = {choice};
      orders.push_back(std::move(order));
    } else {
      same->only_of.insert(choice);
    }
  }
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
    for (auto& [choice, eviction] : evictions_) {
      if (choice.empty() ? order.only_of.empty() || order.only_of.contains("")
                         : order.only_of.contains(choice))
        eviction.failed(order, scheduler_.now().mono);
    }
    return look_in(EvictionPolicy::kRetry);
  }
  if (moved->total() > 0) calls_.on_moved(order, *moved);
  if (is_a_return(order.cause) && !order.again && moved->udp_local > 0) let_go(order);
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
