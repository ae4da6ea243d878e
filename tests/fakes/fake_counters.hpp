// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>

#include "multilink/ports/traffic_counters.hpp"

namespace multilink::fakes {

/// Counters that a test sets.
class FakeCounters final : public TrafficCounters {
 public:
  std::optional<TrafficCount> read(unsigned link_index) override {
    ++readings_;
    const auto found = counts_.find(link_index);
    return found == counts_.end() ? std::nullopt : std::optional(found->second);
  }
  TrafficCount& of(unsigned link_index) { return counts_[link_index]; }
  void forget(unsigned link_index) { counts_.erase(link_index); }
  unsigned readings() const { return readings_; }

 private:
  std::map<unsigned, TrafficCount> counts_;
  unsigned readings_ = 0;
};

}  // namespace multilink::fakes
