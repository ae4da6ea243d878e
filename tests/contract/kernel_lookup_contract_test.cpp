// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever happens to both, the fake and a real kernel hold the same routes and send packets the same way.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "contract/kernel_worlds.hpp"
#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace kernel_lookup_contract_test {

using fakes::AddMode;
using fakes::Flow;

constexpr int kRounds = 12;
constexpr int kChangesARound = 25;
constexpr int kFlowsARound = 12;

struct Uplink {
  const char* device;
  const char* address;
  const char* gateway;
};
/// The last two have the same gateway.
constexpr std::array<Uplink, 3> kUplinks{{{"e0", "192.0.2.2/24", "192.0.2.1"},
                                          {"e1", "198.51.100.2/24", "198.51.100.1"},
                                          {"e2", "198.51.100.3/24", "198.51.100.1"}}};
constexpr std::array<std::uint32_t, 4> kTables{kMainTable, kMainTable, 7001, 7002};
constexpr std::array kDestinations{"0.0.0.0/0",      "0.0.0.0/0",        "10.0.0.0/8",    "10.1.0.0/16",
                                   "203.0.113.0/24", "203.0.113.128/25", "192.0.2.128/25"};
constexpr std::array kTargets{"10.0.0.1",  "10.1.0.1",    "203.0.113.7",  "203.0.113.200",
                              "192.0.2.9", "192.0.2.200", "198.51.100.9", "8.8.8.8"};
constexpr std::array<RouteType, 4> kTypes{RouteType::unreachable, RouteType::blackhole, RouteType::prohibit,
                                          RouteType::throw_route};
constexpr std::array<AddMode, 4> kModes{AddMode::add, AddMode::append, AddMode::prepend, AddMode::replace};
constexpr std::array<std::uint32_t, 3> kMetrics{0, 1, 5};

/// One of the two worlds, with the numbers its kernel gave the devices.
struct Side {
  explicit Side(std::unique_ptr<KernelWorld> made) : world(std::move(made)) {
    for (const auto& uplink : kUplinks) {
      world->add_link(uplink.device);
      world->add_address(uplink.device, uplink.address);
    }
    const auto state = world->kernel().read().value();
    for (const auto& uplink : kUplinks) indexes.push_back(state.link_named(uplink.device)->index);
  }

  /// The same route with this side's numbers: a hop's link_index is a position in kUplinks until here.
  Route here(Route route) const {
    for (auto& hop : route.next_hops) hop.link_index = indexes.at(hop.link_index);
    return route;
  }
  /// The reverse of here().
  Route anywhere(Route route) const {
    for (auto& hop : route.next_hops) {
      const auto found = std::find(indexes.begin(), indexes.end(), hop.link_index);
      hop.link_index = static_cast<unsigned>(found - indexes.begin());
    }
    return route;
  }
  /// What is in the tables, by name: of each destination the routes of others in their order, then ours in
  /// any, the first of each metric marked as such.
  std::vector<std::string> routes() const {
    using Destination = std::pair<std::uint32_t, IpPrefix>;
    const auto state = world->kernel().read().value();
    std::map<Destination, std::vector<std::string>> foreign;
    std::map<Destination, std::multiset<std::string>> owned;
    std::set<std::pair<Destination, std::uint32_t>> seen;
    for (const auto& route : state.routes) {
      if (std::count(kTables.begin(), kTables.end(), route.table) == 0) continue;
      const Destination destination{route.table, route.destination};
      const bool first = seen.emplace(destination, route.metric).second;
      const std::string words = cat(first ? "first: " : "", to_string(PrependRoute{route}, state));
      if (route.protocol == 109) {
        owned[destination].insert(words);
      } else {
        foreign[destination].push_back(words);
      }
    }
    std::vector<std::string> out;
    for (const auto& [destination, all] : foreign) out.insert(out.end(), all.begin(), all.end());
    for (const auto& [destination, all] : owned) out.insert(out.end(), all.begin(), all.end());
    return out;
  }

  std::unique_ptr<KernelWorld> world;
  std::vector<unsigned> indexes;
};

class BothKernels : public testing::Test {
 protected:
  template <class Choices>
  auto any(const Choices& choices) {
    return choices[random_() % choices.size()];
  }
  bool chance(unsigned of) { return random_() % of == 0; }
  unsigned any_uplink() { return static_cast<unsigned>(random_() % kUplinks.size()); }

  Route any_route() {
    Route route;
    route.table = any(kTables);
    route.destination = *IpPrefix::parse(any(kDestinations));
    route.metric = any(kMetrics);
    route.protocol = 4;
    if (chance(6)) {
      route.type = any(kTypes);
      return route;
    }
    const unsigned first = any_uplink();
    route.next_hops = {{first, *IpAddress::parse(kUplinks[first].gateway), 1}};
    if (chance(5)) {
      const unsigned second = (first + 1) % kUplinks.size();
      route.next_hops.push_back({second, *IpAddress::parse(kUplinks[second].gateway), 3});
    }
    // Both sides number the devices in the order of kUplinks, so that this order holds on both.
    std::sort(route.next_hops.begin(), route.next_hops.end());
    return route;
  }

  Rule any_rule() {
    Rule rule;
    rule.priority = 1000 + static_cast<std::uint32_t>(random_() % 6);
    rule.protocol = 109;
    rule.table = any(kTables);
    const auto& uplink = kUplinks[any_uplink()];
    switch (random_() % 6) {
      case 0:
        rule.mark = MarkMatch{0x1000000U * (1 + any_uplink()), 0x3f000000};
        break;
      case 1:
        rule.oif = uplink.device;
        break;
      case 2:
        rule.ip_protocol = chance(2) ? 6 : 17;
        rule.destination_ports = PortRange{100, static_cast<std::uint16_t>(chance(2) ? 100 : 200)};
        break;
      case 3:
        rule.to = IpPrefix::parse("203.0.113.0/24");
        break;
      default:
        rule.from = IpPrefix{IpPrefix::parse(uplink.address)->address, 32};
    }
    if (chance(6)) rule.iif = "lo";
    if (chance(2)) rule.suppress_prefix = chance(2) ? 0 : 8;
    // With a device it would hide gateways from routes that are put back.
    if (chance(8) && !rule.oif && !rule.to) {
      rule.table = 0;
      rule.unreachable = true;
      rule.suppress_prefix.reset();
    }
    return rule;
  }

  /// One that is there.
  template <class Item>
  std::optional<Item> any_owned(std::vector<Item> items) {
    std::erase_if(items, [](const Item& item) { return item.protocol != 109; });
    return items.empty() ? std::nullopt : std::optional(any(items));
  }

  Flow any_flow() {
    Flow flow{.destination = *IpAddress::parse(any(kTargets))};
    if (chance(2)) flow.mark = 0x1000000U * static_cast<std::uint32_t>(random_() % 4);
    if (chance(3)) flow.from = IpPrefix::parse(kUplinks[any_uplink()].address)->address;
    if (chance(4)) flow.oif = kUplinks[any_uplink()].device;
    if (chance(2)) {
      flow.ip_protocol = chance(2) ? 6 : 17;
      flow.source_port = 1000;
      flow.destination_port = static_cast<std::uint16_t>(chance(2) ? 100 : 200);
    }
    return flow;
  }

  /// The same on both sides, with the same outcome.
  template <class Change>
  void on_both(const std::string& what, Change change) {
    history_ += what + "\n";
    const Result<void> on_fake = change(fake_);
    const Result<void> on_real = change(real_);
    ASSERT_EQ(on_fake ? 0 : on_fake.error().code, on_real ? 0 : on_real.error().code) << history_;
  }

  std::string words(const RouteOperation& operation) {
    KernelState names;
    for (unsigned i = 0; i < kUplinks.size(); ++i) {
      Link link;
      link.index = i;
      link.name = kUplinks[i].device;
      names.links.push_back(link);
    }
    return to_string(operation, names);
  }

  void change_something() {
    const Route route = any_route();
    Route ours = route;
    ours.protocol = 109;
    const Rule rule = any_rule();
    const std::string device = kUplinks[any_uplink()].device;
    const bool on = chance(2);
    switch (random_() % 14) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        const AddMode mode = any(kModes);
        on_both(cat("foreign, mode ", static_cast<int>(mode), ": ", words(PrependRoute{route})),
                [&](Side& side) { return side.world->add_foreign(side.here(route), mode); });
        break;
      }
      case 5:
      case 6:
        // At most an old and a new one, as routed has them.
        if (owned_beside(ours).first > 1) break;
        on_both(words(PrependRoute{ours}),
                [&](Side& side) { return side.world->kernel().apply(PrependRoute{side.here(ours)}); });
        break;
      case 7:
      case 11:
      case 12:
        remove_something();
        break;
      case 8:
      case 9:
        on_both(words(AddRule{rule}), [&](Side& side) { return side.world->kernel().apply(AddRule{rule}); });
        break;
      case 10:
        on_both(cat("carrier ", device, on ? " on" : " off"), [&](Side& side) {
          side.world->set_carrier(device, on);
          return Result<void>{};
        });
        break;
      default:
        on_both(cat("down and up ", device), [&](Side& side) {
          side.world->set_admin_up(device, false);
          side.world->set_admin_up(device, true);
          return Result<void>{};
        });
    }
  }

  /// How many of ours the fake has beside this one, and whether one of ours comes first.
  std::pair<std::size_t, bool> owned_beside(const Route& route) {
    auto routes = fake_.world->kernel().read().value().routes;
    std::erase_if(routes, [&](const Route& other) {
      return other.table != route.table || other.destination != route.destination ||
             other.metric != route.metric;
    });
    const auto owned =
        std::count_if(routes.begin(), routes.end(), [](const Route& each) { return each.protocol == 109; });
    return {static_cast<std::size_t>(owned), !routes.empty() && routes.front().protocol == 109};
  }

  void remove_something() {
    const auto state = fake_.world->kernel().read().value();
    if (auto rule = any_owned(state.rules); rule && chance(3)) {
      on_both(words(DeleteRule{*rule}),
              [&](Side& side) { return side.world->kernel().apply(DeleteRule{*rule}); });
    } else if (auto route = any_owned(state.routes)) {
      const Route there = fake_.anywhere(*route);
      // Behind a foreign route the adapter does not promise the order of two of ours.
      const auto [owned, ours_first] = owned_beside(*route);
      if (owned > 1 && !ours_first) return;
      on_both(words(DeleteRoute{there}),
              [&](Side& side) { return side.world->kernel().apply(DeleteRoute{side.here(there)}); });
    }
  }

  void compare_lookups() {
    const Flow flow = any_flow();
    const auto expected = real_.world->carrier_of(flow);
    const auto carriers = fake_carriers(flow);
    EXPECT_TRUE(carriers.contains(expected ? *expected : cat("errno ", expected.error().code)))
        << "to " << flow.destination.to_string() << " mark " << flow.mark << " from "
        << (flow.from ? flow.from->to_string() : "") << " oif " << flow.oif << ": kernel "
        << (expected ? *expected : expected.error().message) << ", fake " << *carriers.begin() << "\n"
        << history_;
  }

  /// Every device the fake might choose: a multipath route leaves the kernel several.
  std::set<std::string> fake_carriers(const Flow& flow) {
    auto& kernel = dynamic_cast<fakes::FakeKernel&>(fake_.world->kernel());
    const auto hop = kernel.lookup(flow);
    if (!hop) return {cat("errno ", hop.error().code)};
    const auto route = kernel.lookup_route(flow);
    if (!route || route->next_hops.size() == 1 || !flow.oif.empty()) return {kernel.carrier_of(flow)};
    std::set<std::string> out;
    const auto state = kernel.read().value();
    for (const auto& each : route->next_hops) {
      const Link* link = state.link_at(each.link_index);
      if (link->admin_up) out.insert(link->name);
    }
    return out;
  }

  std::mt19937_64 random_ = seeded_random();
  Side fake_{make_fake_kernel_world()};
  Side real_{make_real_kernel_world()};
  std::string history_;
};

TEST_F(BothKernels, AgreeAfterAnyHistory) {
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kChangesARound; ++i) {
      change_something();
      if (HasFatalFailure()) return;
    }
    ASSERT_EQ(fake_.routes(), real_.routes()) << history_;
    for (int i = 0; i < kFlowsARound; ++i) compare_lookups();
    if (HasFailure()) return;
  }
}

}  // namespace kernel_lookup_contract_test
}  // namespace multilink
