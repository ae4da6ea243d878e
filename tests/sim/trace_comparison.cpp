// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_comparison.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/our_rule.hpp"
#include "sim/peers.hpp"

namespace multilink::sim {
namespace {

std::vector<Rule> all_rules() {
  std::vector<Rule> rules{kOurs};
  rules.insert(rules.end(), kPeers.begin(), kPeers.end());
  return rules;
}

Decisions follow(const Rule& rule, const LinkTrace& trace, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const Carry carry = [player = TracePlayer(trace)](Duration at) mutable { return player.carry(at); };
  return rule.follow(carry, length_of(trace), random);
}

/// The rule's part of a gateway of these links.
GatewayScore score_session(const Rule& rule, const Session& session, std::uint64_t seed) {
  std::vector<LinkTruth> truths;
  std::vector<Decisions> decisions;
  Duration end = Duration::max();
  for (const auto& trace : session) {
    truths.emplace_back(trace);
    decisions.push_back(follow(rule, trace, seed++));
    end = std::min(end, length_of(trace));
  }
  std::vector<JudgedLink> links;
  for (std::size_t link = 0; link < session.size(); ++link) links.push_back({truths[link], decisions[link]});
  return score_gateway(links, end);
}

GatewayScore score_beside_ideal(const LinkTrace& trace, const Decisions& decisions) {
  const LinkTruth truth(trace);
  const LinkTruth ideal = LinkTruth::ideal();
  const Decisions none;
  return score_gateway({{truth, decisions}, {ideal, none}}, {0, 1}, length_of(trace));
}

/// Whether the link was not found dead in a silence. What multilink decides first is what the link is, from `unknown`: a
/// silence that began before was there when it started, and is not judged.
bool is_unnoticed(const Interval& silence, const Decisions& decisions) {
  if (decisions.empty() || silence.from < decisions.front().when) return false;
  Judgement judgement = Judgement::usable;
  for (const auto& decision : decisions) {
    if (decision.when > silence.to) break;
    if (decision.when > silence.from && decision.judgement != Judgement::usable) return false;
    judgement = decision.judgement;
  }
  return judgement == Judgement::usable;
}

Findings judge(const LinkTrace& trace, const Decisions& decisions, std::size_t segment) {
  Findings findings;
  findings.time = length_of(trace);
  const auto silences = find_silences(trace, default_uplink().evict_after);
  findings.long_silences = silences.size();
  for (const auto& silence : silences) {
    if (is_unnoticed(silence, decisions))
      findings.unnoticed.push_back({segment, silence.from, silence.to, "silent"});
  }
  Judgement before = Judgement::usable;
  for (const auto& decision : decisions) {
    if (std::exchange(before, decision.judgement) == decision.judgement) continue;
    findings.suspects += decision.judgement == Judgement::suspect ? 1 : 0;
    if (decision.judgement != Judgement::evicted) continue;
    ++findings.downs;
    if (silences.empty())
      findings.wrong_downs.push_back({segment, decision.when, decision.when, decision.reason});
  }
  return findings;
}

void add(Scores& scores, const Rule& rule, const GatewayScore& score) {
  const auto found = std::ranges::find(scores, rule.name, &RuleScore::rule);
  if (found == scores.end()) {
    scores.push_back({rule.name, score});
  } else {
    found->score += score;
  }
}

void follow_series(const TraceSeries& series, const Rule& rule, std::uint64_t seed, SeriesResult& result) {
  const bool is_ours = rule.name == kOurs.name;
  for (std::size_t segment = 0; segment < series.segments.size(); ++segment) {
    const auto& trace = series.segments[segment];
    const auto decisions = follow(rule, trace, seed + segment);
    add(result.apart_scores, rule, score_beside_ideal(trace, decisions));
    if (is_ours) result.apart += judge(trace, decisions, segment);
  }
  std::vector<Session> sessions;
  for (const auto& trace : series.segments) sessions.push_back({trace});
  const auto joined = put_end_to_end(sessions).front();
  const auto decisions = follow(rule, joined, seed);
  add(result.joined_scores, rule, score_beside_ideal(joined, decisions));
  if (is_ours) result.joined += judge(joined, decisions, 0);
}

}  // namespace

Findings& Findings::operator+=(const Findings& other) {
  time += other.time;
  suspects += other.suspects;
  downs += other.downs;
  long_silences += other.long_silences;
  std::ranges::copy(other.unnoticed, std::back_inserter(unnoticed));
  std::ranges::copy(other.wrong_downs, std::back_inserter(wrong_downs));
  return *this;
}

Comparison compare_traces(const TraceFolder& folder, unsigned phases) {
  // A run's seeds are as far from the next run's as no series has segments.
  constexpr std::uint64_t kSeeds = 1'000'000;
  const auto rules = all_rules();
  Comparison out{phases, {}, {}};
  for (const auto& series : folder.series) {
    SeriesResult result{series.name, series.link};
    for (const auto& rule : rules) {
      for (unsigned run = 0; run < phases; ++run) follow_series(series, rule, kSeeds * run, result);
    }
    out.series.push_back(std::move(result));
  }
  for (const auto& group : folder.groups) {
    const auto sessions = sessions_of(folder, group);
    const auto joined = put_end_to_end(sessions);
    GroupResult result{group.name, group.members.size(), sessions.size()};
    for (const auto& rule : rules) {
      for (unsigned run = 0; run < phases; ++run) {
        auto seed = kSeeds * run;
        add(result.joined, rule, score_session(rule, joined, seed));
        for (const auto& session : sessions) {
          add(result.apart, rule, score_session(rule, session, seed));
          seed += session.size();
        }
      }
    }
    out.groups.push_back(std::move(result));
  }
  return out;
}

}  // namespace multilink::sim
