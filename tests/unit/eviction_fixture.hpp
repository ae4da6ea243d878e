// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <list>
#include <ostream>
#include <vector>

#include "multilink/core/eviction.hpp"

namespace multilink {

inline void PrintTo(const EvictionOrder& order, std::ostream* out) {
  *out << order.uplink << '(' << order.index << ") IPv" << to_string(order.family)
       << (order.scope == EvictionScope::udp ? " udp, " : " all, ") << to_string(order.cause)
       << (order.again ? ", again" : "");
}

/// Two uplinks that are up, fibre and lte; fibre carries.
class EvictionTest : public testing::Test {
 protected:
  EvictionTest() {
    add("fibre", 1, 1);
    add("lte", 2, 2);
    lead_over(fibre());
    step();
    step(Family::v6);
  }

  EvictionSubject& add(std::string name, unsigned index, unsigned precedence) {
    auto& config = configs_.emplace_back();
    config.device = config.name = std::move(name);
    config.precedence = precedence;
    auto& subject = subjects_.emplace_back(EvictionSubject{config, index});
    subject.health = HealthState::up;
    return subject;
  }
  EvictionSubject& fibre() { return subjects_.front(); }
  EvictionSubject& lte() { return subjects_.back(); }
  static UplinkConfig& config(EvictionSubject& subject) {
    return const_cast<UplinkConfig&>(subject.config);  // they are ours
  }
  void lead_over(const EvictionSubject& carrier) {
    for (auto& subject : subjects_) subject.carries = subject.index == carrier.index;
  }

  void pass(Duration time) { now_ += time; }
  std::vector<EvictionOrder> step(Family family = Family::v4) {
    const std::vector<EvictionSubject> subjects(subjects_.begin(), subjects_.end());
    auto out = policy_.step(family, subjects, now_);
    next_ = out.next;
    return out.orders;
  }

  static EvictionOrder order(const EvictionSubject& subject, EvictionScope scope, EvictionCause cause) {
    return {subject.config.name, subject.index, Family::v4, scope, cause, false};
  }
  static EvictionOrder again(EvictionOrder order) {
    order.again = true;
    return order;
  }
  static std::vector<EvictionScope> scopes(const std::vector<EvictionOrder>& orders) {
    std::vector<EvictionScope> out;
    for (const auto& order : orders) out.push_back(order.scope);
    return out;
  }

  std::list<UplinkConfig> configs_;
  std::list<EvictionSubject> subjects_;
  EvictionPolicy policy_;
  MonoTime now_{std::chrono::hours(5)};
  std::optional<MonoTime> next_;
};

}  // namespace multilink
