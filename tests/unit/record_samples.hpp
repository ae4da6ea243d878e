// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <random>

#include "multilink/core/records.hpp"

namespace multilink {

/// Random records that the writers could have written: each value anywhere in its range.
class RecordSamples {
 public:
  explicit RecordSamples(unsigned seed) : random_(seed) {}

  ProbeRecord probe();
  LinkRecord link();
  HealthRecord health();
  RoutingRecord routing();
  EventRecord event();
  DaemonRecord daemon();

  std::int64_t between(std::int64_t least, std::int64_t most);  ///< the ends included, and likelier
  bool coin() { return between(0, 1) == 1; }
  std::string bytes(std::size_t most);  ///< any at all

 private:
  std::size_t size(std::size_t least, std::size_t most);  // mostly small
  std::string hex(std::size_t digits);
  std::string name();
  std::string text();
  std::string event_id();
  std::string event_or_empty() { return coin() ? event_id() : std::string(); }
  WallTime wall();
  MonoTime mono();
  Duration length();
  IpAddress address(Family family);
  std::optional<IpAddress> gateway(Family family);
  std::vector<Family> families();

  std::mt19937 random_;
};

}  // namespace multilink
