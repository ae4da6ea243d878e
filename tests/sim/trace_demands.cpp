// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_demands.hpp"

#include <algorithm>
#include <string_view>

#include "multilink/core/text.hpp"

namespace multilink::sim {
namespace {

constexpr double kMostSwitches = 30;  // an hour
/// An hour, on a cable under load, which stands still for half a second now and then. None at all would take more patience
/// than 1.3 s of detection on a link without traffic leave: 1 s to the next probe, and 0.3 s.
constexpr double kMostCableSuspects = 6;
constexpr Duration kLeastTime = std::chrono::minutes(10);

std::string number(double value) {
  return format_decimal(value, 1);
}

std::string seconds(Duration span) {
  return cat(format_decimal(std::chrono::duration<double>(span).count(), 2), " s");
}

std::string place(const SeriesResult& series, const Findings::Case& found) {
  return cat(series.name, ", segment ", found.segment, " at ", seconds(found.from));
}

void check_series(const SeriesResult& series, unsigned phases, std::vector<std::string>& broken) {
  for (const auto& found : series.apart.wrong_downs) {
    broken.push_back(
        cat(place(series, found), ": down though something always arrived within evict_after: ", found.what));
  }
  for (const auto& found : series.apart.unnoticed) {
    broken.push_back(
        cat(place(series, found), ": silent for ", seconds(found.to - found.from), ", and up all the time"));
  }
  if (series.link.starts_with("cable")) {
    for (const auto* findings : {&series.apart, &series.joined}) {
      const double hours = std::chrono::duration<double>(findings->time).count() / 3600;
      if (findings->downs == 0 && static_cast<double>(findings->suspects) <= kMostCableSuspects * hours)
        continue;
      broken.push_back(cat(
          series.name, findings == &series.apart ? ", segments apart: " : ", joined: ", findings->suspects,
          " suspects and ", findings->downs, " downs on a cable in ", number(hours), " h"));
    }
  }
  const auto& ours = series.joined_scores.front().score;
  if (const double rate = ours.switches / ours.hours();
      rate > kMostSwitches && ours.time >= phases * kLeastTime)
    broken.push_back(cat(series.name, ": ", number(rate), " switches an hour"));
}

void check_group(const GroupResult& group, std::vector<std::string>& broken) {
  const auto& ours = group.joined.front().score;
  const auto hourly_seconds = [](const GatewayScore& score) {
    return std::chrono::duration<double>(score.avoidable).count() / score.hours();
  };
  const auto hourly_sparable = [](const GatewayScore& score) { return score.sparable / score.hours(); };
  if (const double rate = ours.switches / ours.hours(); rate > kMostSwitches)
    broken.push_back(cat(group.name, ": ", number(rate), " switches an hour"));
  for (auto peer = group.joined.begin() + 1; peer != group.joined.end(); ++peer) {
    const double our_seconds = hourly_seconds(ours);
    const double their_seconds = hourly_seconds(peer->score);
    if (our_seconds >= their_seconds) {
      broken.push_back(cat(group.name, ": ", number(our_seconds), " s an hour on a dead link, ", peer->rule,
                           " ", number(their_seconds), " s"));
    }
    if (their_seconds <= 2 * our_seconds && hourly_sparable(ours) > hourly_sparable(peer->score)) {
      broken.push_back(cat(group.name, ": ", number(hourly_sparable(ours)), " sparable evictions an hour, ",
                           peer->rule, " ", number(hourly_sparable(peer->score))));
    }
  }
}

}  // namespace

std::vector<std::string> broken_demands(const Comparison& comparison) {
  std::vector<std::string> broken;
  for (const auto& series : comparison.series) check_series(series, comparison.phases, broken);
  for (const auto& group : comparison.groups) check_group(group, broken);
  return broken;
}

}  // namespace multilink::sim
