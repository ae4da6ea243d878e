// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/eviction.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace multilink {
namespace {

/// Between the repetitions of what is repeated; the last one for ever.
constexpr std::array<Duration, 5> kPauses{std::chrono::milliseconds(250), std::chrono::seconds(1),
                                          std::chrono::seconds(4), std::chrono::seconds(15),
                                          std::chrono::minutes(1)};
/// Until the one repetition of what is not.
constexpr Duration kStragglers = std::chrono::seconds(1);

unsigned rank_of(const EvictionSubject& subject) {
  return subject.rank.value_or(subject.config.precedence);
}

bool is_well(const EvictionSubject& subject) {
  return subject.config.enabled && subject.fact == LinkFact::ok && subject.health == HealthState::up;
}

/// Carries, and is as good as an uplink in force needs to be to stay.
bool carries_well(const EvictionSubject& subject) {
  return subject.carries && subject.config.enabled && subject.fact == LinkFact::ok &&
         (subject.health == HealthState::up || subject.health == HealthState::unknown);
}

/// Whether the flows of `leaving` are better off on `other`.
bool relieves(const EvictionSubject& other, const EvictionSubject& leaving) {
  if (carries_well(other)) return true;
  const bool leaving_answers = leaving.answers && leaving.fact == LinkFact::ok && leaving.config.enabled;
  return other.carries && other.config.enabled && other.fact == LinkFact::ok && other.answers &&
         !leaving_answers;
}

}  // namespace

std::string_view to_string(EvictionCause cause) {
  switch (cause) {
    case EvictionCause::suspect:
      return "it is suspect";
    case EvictionCause::down:
      return "it is down";
    case EvictionCause::link_fact:
      return "its link is lost";
    case EvictionCause::disabled:
      return "it is not enabled";
    case EvictionCause::removed:
      return "it is no longer configured";
    case EvictionCause::failback:
      return "the traffic has returned to a better one";
    case EvictionCause::metered:
      break;
  }
  return "it is metered and a better one carries";
}

bool is_a_return(EvictionCause cause) {
  return cause == EvictionCause::failback || cause == EvictionCause::metered;
}

/// One look at all uplinks of a family.
class EvictionPolicy::Look {
 public:
  Look(Family family, std::span<const EvictionSubject> subjects, MonoTime now)
      : family_(family), subjects_(subjects), now_(now) {}

  void at_subject(const EvictionSubject& subject, Watch& watch) {
    remember(subject, watch);
    const auto demand = relieved(subject) ? demand_of(subject, watch) : std::nullopt;
    if (demand) {
      insist(subject, watch, *demand);
    } else {
      watch.demand.reset();
    }
    if (is_well(subject) && watch.displaced) at_displaced(subject, watch);
  }

  /// Gives whether the watch has done its duty.
  bool at_removed(unsigned index, Watch& watch) {
    if (std::none_of(subjects_.begin(), subjects_.end(), carries_well)) return false;
    const auto order = EvictionOrder{watch.name, index, family_, EvictionScope::all, EvictionCause::removed};
    do_once(watch.removed, now_, order);
    return !watch.removed.again && watch.removed.given > 0;
  }

  EvictionStep take() { return std::move(out_); }

 private:
  void look_again(MonoTime at) { out_.next = out_.next ? std::min(*out_.next, at) : at; }

  void remember(const EvictionSubject& subject, Watch& watch) {
    if (subject.fact != LinkFact::ok) {
      if (!watch.lost) watch.lost = now_;
      watch.back.reset();
    } else if (watch.lost) {
      watch.back = now_;
      watch.lost.reset();
    }
    if (subject.health != HealthState::down) {
      watch.echo = false;
    } else if (watch.health != HealthState::down) {
      watch.echo = watch.lost || (watch.back && now_ - *watch.back <= kEcho);
    }
    watch.health = subject.health;
    if (subject.carries || better(subject) == nullptr) {
      watch.displaced.reset();
    } else if (!watch.displaced) {
      watch.displaced = now_;
      watch.switched = watch.carried.value_or(false);
      watch.flush = watch.udp = watch.metered = {};
    }
    watch.carried = subject.carries;
  }

  bool relieved(const EvictionSubject& subject) const {
    return !subject.carries &&
           std::any_of(subjects_.begin(), subjects_.end(), [&](const EvictionSubject& other) {
             return other.index != subject.index && relieves(other, subject);
           });
  }

  /// The best uplink that carries and goes before this one.
  const EvictionSubject* better(const EvictionSubject& subject) const {
    const auto found = std::find_if(subjects_.begin(), subjects_.end(), [&](const EvictionSubject& other) {
      return carries_well(other) && rank_of(other) < rank_of(subject);
    });
    return found == subjects_.end() ? nullptr : &*found;
  }

  std::optional<Demand> demand_of(const EvictionSubject& subject, const Watch& watch) {
    if (!subject.config.enabled) return Demand{EvictionScope::all, EvictionCause::disabled};
    if (watch.lost) return patiently(*watch.lost + subject.config.evict_after, EvictionCause::link_fact);
    if (subject.health == HealthState::down) {
      if (!watch.echo) return Demand{EvictionScope::all, EvictionCause::down};
      if (subject.answers) return Demand{EvictionScope::udp_and_opening, EvictionCause::down};
      return patiently(watch.back.value_or(now_) + kProbation, EvictionCause::down);
    }
    if (subject.health == HealthState::suspect && subject.config.suspect_moves == SuspectMoves::udp) {
      return Demand{EvictionScope::udp_and_opening, EvictionCause::suspect};
    }
    return std::nullopt;
  }

  /// What loses nothing by it until then, and everything from then on.
  Demand patiently(MonoTime until, EvictionCause cause) {
    if (now_ >= until) return {EvictionScope::all, cause};
    look_again(until);
    return {EvictionScope::udp_and_opening, cause};
  }

  void insist(const EvictionSubject& subject, Watch& watch, const Demand& demand) {
    const bool is_new = watch.demand != demand;
    if (is_new) {
      watch.demand = demand;
      watch.repeats = 0;
    }
    if (is_new || now_ >= *watch.due) {
      out_.orders.push_back(
          {subject.config.name, subject.index, family_, demand.scope, demand.cause, !is_new});
      watch.due = now_ + kPauses.at(std::min<std::size_t>(watch.repeats, kPauses.size() - 1));
      ++watch.repeats;
    }
    look_again(*watch.due);
  }

  void at_displaced(const EvictionSubject& subject, Watch& watch) {
    const auto& keeper = better(subject)->config;
    const auto order = [&](EvictionScope scope, EvictionCause cause) {
      return EvictionOrder{subject.config.name, subject.index, family_, scope, cause};
    };
    if (subject.config.metered) {
      do_once(watch.metered, *watch.displaced + *subject.config.metered,
              order(EvictionScope::all, EvictionCause::metered));
    }
    if (keeper.failback == Failback::flush && watch.switched) {
      do_once(watch.flush, *watch.displaced, order(EvictionScope::all, EvictionCause::failback));
    } else {
      do_once(watch.udp, *watch.displaced + keeper.failback_udp_after,
              order(EvictionScope::udp, EvictionCause::failback));
    }
  }

  /// Gives the order when it is `at`, and once more.
  void do_once(Task& task, MonoTime at, EvictionOrder order) {
    if (task.given > 0 && !task.again) return;
    const MonoTime due = task.again.value_or(at);
    if (now_ < due) return look_again(due);
    order.again = task.given > 0;
    out_.orders.push_back(std::move(order));
    if (++task.given == 1) {
      task.again = now_ + kStragglers;
      look_again(*task.again);
    } else {
      task.again.reset();
    }
  }

  Family family_;
  std::span<const EvictionSubject> subjects_;
  MonoTime now_;
  EvictionStep out_;
};

EvictionStep EvictionPolicy::step(Family family, std::span<const EvictionSubject> subjects, MonoTime now) {
  auto& watches = watches_[family];
  Look look(family, subjects, now);
  for (const auto& subject : subjects) {
    auto& watch = watches[subject.index];
    if (watch.name != subject.config.name) {
      watch = {};
      watch.name = subject.config.name;
    }
    look.at_subject(subject, watch);
  }
  const auto is_configured = [&](unsigned index) {
    return std::any_of(subjects.begin(), subjects.end(),
                       [&](const EvictionSubject& subject) { return subject.index == index; });
  };
  for (auto watch = watches.begin(); watch != watches.end();) {
    const bool done = !is_configured(watch->first) && look.at_removed(watch->first, watch->second);
    watch = done ? watches.erase(watch) : std::next(watch);
  }
  return look.take();
}

void EvictionPolicy::expect_removed(Family family, unsigned index, const std::string& name) {
  const auto [watch, is_new] = watches_[family].try_emplace(index);
  if (is_new) watch->second.name = name;
}

void EvictionPolicy::failed(const EvictionOrder& order, MonoTime now) {
  auto& watches = watches_[order.family];
  const auto found = watches.find(order.index);
  if (found == watches.end() || found->second.name != order.uplink) return;
  Watch& watch = found->second;
  const auto again = [&](Task& task) { task = {0, now + kRetry}; };
  switch (order.cause) {
    case EvictionCause::suspect:
    case EvictionCause::down:
    case EvictionCause::link_fact:
    case EvictionCause::disabled:
      if (watch.demand == Demand{order.scope, order.cause}) watch.due = now + kRetry;
      return;
    case EvictionCause::removed:
      return again(watch.removed);
    case EvictionCause::failback:
      return again(order.scope == EvictionScope::all ? watch.flush : watch.udp);
    case EvictionCause::metered:
      return again(watch.metered);
  }
}

}  // namespace multilink
