// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_actions.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "multilink/core/admin_order.hpp"
#include "multilink/core/failback_hold.hpp"
#include "multilink/core/filter_plan.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/route_diff.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// The health as a decision takes it, and what is to be said where it is unknown.
std::vector<HealthByFamily> states_of(const Config& config, const std::vector<UplinkFacts>& facts,
                                      const HealthRecords& health, std::string_view boot,
                                      std::vector<std::string>& remarks) {
  std::vector<HealthByFamily> out;
  for (std::size_t i = 0; i < config.uplinks.size(); ++i) {
    const auto& uplink = config.uplinks[i];
    auto& states = out.emplace_back();
    const auto record = health.find(uplink.name);
    const bool believed = record != health.end() && speaks_of(record->second, uplink, boot);
    for (const Family family : kRoutedFamilies) {
      if (believed && record->second.families.contains(family)) {
        const auto& said = record->second.families.at(family);
        states[family] = {said.state, said.answers, record->second.admin == AdminMode::drained};
      }
      const bool is_used = family == Family::v4 || !facts[i].families.at(family).addresses.empty();
      if (is_used && states[family].state == HealthState::unknown) {
        remarks.push_back(cat("# the health of ", uplink.name, " in IPv", to_string(family),
                              " is unknown: it keeps the default route if it has it, and does not get it"));
      }
    }
  }
  return out;
}

/// The lines about the nftables table. `is_change`: whether they are something to do.
std::vector<std::string> preview_filter(const Result<bool>& exists, const PacketFilterTable& table,
                                        bool& is_change) {
  if (!exists) return {cat("# ", exists.error().message)};
  if (*exists) return {};
  const auto text = filter_anew(table);
  if (!text) return {cat("# ", text.error().message)};
  is_change = true;
  std::vector<std::string> lines{"nft -f - << END"};
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  lines.emplace_back("END");
  return lines;
}

}  // namespace

HealthSnapshot::HealthSnapshot(Scheduler& scheduler, Store& store, Log& log, const Config& config,
                               Duration patience, std::function<void(const HealthRecords&)> done)
    : store_(store),
      keys_(config.suite.site),
      complaints_(log),
      done_(std::move(done)),
      deadline_(scheduler.after(patience, [this] { finish({}); })) {
  for (const auto& uplink : config.uplinks) names_.push_back(uplink.name);
  const auto on_ready = [this, &scheduler] {
    store_.run(health_commands(names_, keys_), [this, &scheduler](const Result<std::vector<Reply>>& replies) {
      if (!replies) return;
      finish(understand_health(names_, *replies, keys_, complaints_, scheduler.now().mono));
    });
  };
  store_.start({}, {on_ready, [](const Error&) {}, [](std::string_view, std::string_view) {}});
}

void HealthSnapshot::finish(const HealthRecords& records) {
  deadline_.reset();
  if (const auto done = std::exchange(done_, {})) done(records);
}

Result<std::vector<std::string>> preview_routes(KernelReader& kernel, PacketFilter& filter,
                                                const Config& configured,
                                                const std::vector<DhcpLease>& leases,
                                                const HealthRecords& health, std::string_view boot,
                                                const RoutingNumbers& numbers, const ParentUsers& parents) {
  const auto state = kernel.read();
  if (!state)
    return fail(cat("cannot read the kernel's routes: ", state.error().message), state.error().code);
  std::vector<std::string> lines;
  Config config = configured;
  for (auto& uplink : config.uplinks) {
    const auto record = health.find(uplink.name);
    if (record != health.end() && speaks_of(record->second, uplink, boot))
      apply_order(record->second, uplink);
  }
  const auto facts = observe_uplinks(config, *state, numbers, leases);
  const auto states = states_of(config, facts, health, boot, lines);
  FailbackHold hold;
  for (const Family family : kRoutedFamilies) {
    const auto present = devices_of_default(family, config, *state, facts, numbers);
    if (present) hold.adopt(config, family, *present);
  }
  const auto decision =
      decide_routes({config, *state, numbers, {}, facts, states, {}, nullptr, hold.held(), {}, {}, parents});
  for (const auto& warning : decision.warnings) lines.push_back(cat("# ", warning));
  const auto operations = diff_routes(*state, decision.wanted, numbers);
  for (const auto& operation : operations) lines.push_back(to_string(operation, *state));
  bool is_change = !operations.empty();
  const auto table = plan_filter(config, *state, decision.indices, facts, decision.giving_way, parents.all);
  for (auto& line : preview_filter(filter.exists(), table, is_change)) lines.push_back(std::move(line));
  if (!is_change) lines.emplace_back(kNothingToChange);
  return lines;
}

Result<std::vector<std::string>> clear_routes(Kernel& kernel, PacketFilter& filter,
                                              const RoutingNumbers& numbers) {
  const auto state = kernel.read();
  if (!state)
    return fail(cat("cannot read the kernel's routes: ", state.error().message), state.error().code);
  std::vector<std::string> lines;
  std::optional<Error> problem;
  auto operations = diff_routes(*state, {}, numbers);
  // What is pinned stays on its uplink until the traffic is where the host's own default leads it.
  std::stable_partition(operations.begin(), operations.end(), [](const RouteOperation& operation) {
    const auto* removal = std::get_if<DeleteRoute>(&operation);
    return removal != nullptr && removal->route.table == kMainTable;
  });
  for (const auto& operation : operations) {
    const auto applied = kernel.apply(operation);
    const auto words = to_string(operation, *state);
    if (applied) {
      lines.push_back(words);
    } else if (!problem) {
      problem = Error{cat("cannot do '", words, "': ", applied.error().message), applied.error().code};
    }
  }
  const auto removed = filter.remove();
  if (removed && *removed) lines.emplace_back("nft delete table inet multilink");
  if (!removed && !problem) {
    problem = Error{cat("cannot do 'nft delete table inet multilink': ", removed.error().message),
                    removed.error().code};
  }
  if (problem) return tl::unexpected<Error>(*std::move(problem));
  return lines;
}

}  // namespace multilink
