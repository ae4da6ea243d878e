// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "multilink/core/time.hpp"

namespace multilink {

/// When each of many is due, so that the next is found without asking all.
template <class Key>
class DueTimes {
 public:
  /// nullopt: it is not.
  void set(const Key& key, std::optional<MonoTime> at) {
    const auto known = times_.find(key);
    if (known != times_.end()) {
      if (at == known->second) return;
      order_.erase({known->second, key});
      if (!at) times_.erase(known);
    }
    if (!at) return;
    times_[key] = *at;
    order_.emplace(*at, key);
  }

  void clear() {
    times_.clear();
    order_.clear();
  }

  std::optional<MonoTime> first() const {
    return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
  }

  /// Those that are due at `now`, by key; they stay due until set() says otherwise.
  std::vector<Key> due(MonoTime now) const {
    std::set<Key> keys;
    for (const auto& [at, key] : order_) {
      if (at > now) break;
      keys.insert(key);
    }
    return {keys.begin(), keys.end()};
  }

 private:
  std::map<Key, MonoTime> times_;
  std::set<std::pair<MonoTime, Key>> order_;
};

}  // namespace multilink
