// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_score.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace multilink::sim {
namespace {

/// When the first answer to each probe or to a later one arrives; never decreasing. Duration::max(): not any more.
std::vector<Duration> first_answers(const LinkTrace& trace) {
  std::vector<Duration> answers(trace.size());
  Duration first = Duration::max();
  for (std::size_t index = trace.size(); index-- > 0;) {
    const auto& sample = trace[index];
    if (sample.rtt) first = std::min(first, sample.at + *sample.rtt);
    answers[index] = first;
  }
  return answers;
}

/// Reads a row of intervals or decisions in order of time.
template <class Entry, auto kUntil>
class Reader {
 public:
  explicit Reader(const std::vector<Entry>& entries) : entries_(entries) {}
  /// The first that is not over at `now`, which never decreases.
  const Entry* at(Duration now) {
    while (next_ < entries_.size() && entries_[next_].*kUntil <= now) ++next_;
    return next_ < entries_.size() ? &entries_[next_] : nullptr;
  }
  /// The last that is over at `now`.
  const Entry* before(Duration now) {
    at(now);
    return next_ == 0 ? nullptr : &entries_[next_ - 1];
  }

 private:
  const std::vector<Entry>& entries_;
  std::size_t next_ = 0;
};

/// One link as the time goes by.
class LinkView {
 public:
  explicit LinkView(const JudgedLink& link) : dead_(link.truth.dead()), decisions_(link.decisions) {}

  bool is_dead(Duration now) {
    const auto* dead = dead_.at(now);
    return dead != nullptr && dead->from <= now;
  }
  bool is_usable(Duration now) {
    const auto* decision = decisions_.before(now);
    return decision == nullptr || decision->judgement == Judgement::usable;
  }
  bool answers(Duration now) {
    const auto* decision = decisions_.before(now);
    return decision == nullptr || decision->judgement == Judgement::usable || decision->answers;
  }

 private:
  Reader<Interval, &Interval::to> dead_;
  Reader<Decision, &Decision::when> decisions_;
};

std::vector<Duration> moments_of_change(const std::vector<JudgedLink>& links, Duration end) {
  std::vector<Duration> moments{Duration::zero(), end};
  const auto add = [&](Duration moment) {
    if (moment > Duration::zero() && moment < end) moments.push_back(moment);
  };
  for (const auto& link : links) {
    for (const auto& dead : link.truth.dead()) {
      add(dead.from);
      add(dead.to);
    }
    for (const auto& decision : link.decisions) add(decision.when);
  }
  std::ranges::sort(moments);
  moments.erase(std::ranges::unique(moments).begin(), moments.end());
  return moments;
}

/// The evictions do not depend on the precedence: flows may be pinned to any link.
void count_evictions(const std::vector<JudgedLink>& links, Duration end, GatewayScore& score) {
  for (std::size_t index = 0; index < links.size(); ++index) {
    std::vector<LinkView> others;
    for (std::size_t other = 0; other < links.size(); ++other) {
      if (other != index) others.emplace_back(links[other]);
    }
    Judgement before = Judgement::usable;
    for (const auto& decision : links[index].decisions) {
      const bool is_news = std::exchange(before, decision.judgement) != decision.judgement;
      if (!is_news || decision.judgement != Judgement::evicted || decision.when >= end) continue;
      if (std::ranges::none_of(others, [&](LinkView& other) { return other.is_usable(decision.when); }))
        continue;
      ++score.evictions;
      if (links[index].truth.answers_in(decision.when, decision.when + GatewayScore::kSpared))
        ++score.sparable;
    }
  }
}

Duration dead_time(const LinkTruth& truth, Duration end) {
  Duration sum{};
  for (const auto& dead : truth.dead()) {
    if (dead.from < end) sum += std::min(dead.to, end) - dead.from;
  }
  return sum;
}

double share_alive(Duration dead, Duration time) {
  return time == Duration::zero() ? 1
                                  : 1 - static_cast<double>(dead.count()) / static_cast<double>(time.count());
}

}  // namespace

Silences find_silences(const LinkTrace& trace, Duration least) {
  const auto answers = first_answers(trace);
  Silences silences;
  for (std::size_t index = 0; index < trace.size(); ++index) {
    if (index > 0 && answers[index] == answers[index - 1]) continue;
    const Interval silence{trace[index].at, std::min(answers[index], trace.back().at)};
    if (silence.length() > least) silences.push_back(silence);
  }
  return silences;
}

LinkTruth::LinkTruth(const LinkTrace& trace) : always_answers_(false) {
  for (const auto& silence : find_silences(trace, kDead)) {
    if (!dead_.empty() && silence.from <= dead_.back().to) {
      dead_.back().to = std::max(dead_.back().to, silence.to);
    } else {
      dead_.push_back(silence);
    }
  }
  for (const auto& sample : trace) {
    if (sample.rtt) arrivals_.push_back(sample.at + *sample.rtt);
  }
  std::ranges::sort(arrivals_);
}

bool LinkTruth::answers_in(Duration from, Duration to) const {
  const auto next = std::ranges::upper_bound(arrivals_, from);
  return always_answers_ || (next != arrivals_.end() && *next <= to);
}

double GatewayScore::availability() const {
  return share_alive(dead, time);
}

double GatewayScore::best_link_availability() const {
  return share_alive(dead_links.empty() ? Duration::zero() : *std::ranges::min_element(dead_links), time);
}

GatewayScore& GatewayScore::operator+=(const GatewayScore& other) {
  time += other.time;
  avoidable += other.avoidable;
  dead += other.dead;
  switches += other.switches;
  evictions += other.evictions;
  sparable += other.sparable;
  dead_links.resize(std::max(dead_links.size(), other.dead_links.size()));
  for (std::size_t link = 0; link < other.dead_links.size(); ++link)
    dead_links[link] += other.dead_links[link];
  return *this;
}

GatewayScore score_gateway(const std::vector<JudgedLink>& links, const std::vector<std::size_t>& precedence,
                           Duration end) {
  GatewayScore score;
  score.time = end;
  count_evictions(links, end, score);
  std::vector<LinkView> views;
  for (const auto& link : links) {
    score.dead_links.push_back(dead_time(link.truth, end));
    views.emplace_back(link);
  }
  const auto moments = moments_of_change(links, end);
  std::size_t active = precedence.front();
  for (std::size_t index = 0; index + 1 < moments.size(); ++index) {
    const Duration now = moments[index];
    auto choice =
        std::ranges::find_if(precedence, [&](std::size_t link) { return views[link].is_usable(now); });
    if (choice == precedence.end() && !views[active].answers(now)) {
      choice = std::ranges::find_if(precedence, [&](std::size_t link) { return views[link].answers(now); });
    }
    if (choice != precedence.end() && *choice != active) {
      active = *choice;
      ++score.switches;
    }
    if (!views[active].is_dead(now)) continue;
    const Duration span = moments[index + 1] - now;
    score.dead += span;
    if (!std::ranges::all_of(views, [&](LinkView& view) { return view.is_dead(now); }))
      score.avoidable += span;
  }
  return score;
}

GatewayScore score_gateway(const std::vector<JudgedLink>& links, Duration end) {
  std::vector<std::size_t> precedence(links.size());
  std::iota(precedence.begin(), precedence.end(), std::size_t{0});
  GatewayScore sum;
  Duration::rep orders = 0;
  do {
    sum += score_gateway(links, precedence, end);
    ++orders;
  } while (std::ranges::next_permutation(precedence).found);
  for (auto* part : {&sum.time, &sum.avoidable, &sum.dead}) *part /= orders;
  for (auto& part : sum.dead_links) part /= orders;
  for (auto* part : {&sum.switches, &sum.evictions, &sum.sparable}) *part /= static_cast<double>(orders);
  return sum;
}

}  // namespace multilink::sim
