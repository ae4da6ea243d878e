// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/history_chart.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/status_snapshot.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Reads the whole status once, in pipelined batches: the suite's keys with the names of the uplinks, then each
/// uplink's, then, if a range is given, its history. What is missing or garbage becomes an Error in its place in the snapshot and, if it
/// was refused, one of the snapshot's problems; only a Redis that does not answer fails the reading as a
/// whole.
///
/// The store must not have been started; it and the scheduler must outlive the reader.
class StatusReader {
 public:
  using Done = std::function<void(Result<StatusSnapshot>)>;

  StatusReader(Scheduler& scheduler, Store& store, std::string site,
               std::optional<ChartRange> range = std::nullopt);

  /// Connects and reads. Calls `done` once, from the loop, at the latest `deadline` from now. Call once.
  void start(Duration deadline, Done done);

 private:
  void read_suite();
  void read_uplinks(StatusSnapshot snapshot);
  void read_history(StatusSnapshot snapshot);
  void finish(Result<StatusSnapshot> result);

  Scheduler& scheduler_;
  Store& store_;
  std::string site_;
  RedisKeys keys_;
  std::optional<ChartRange> range_;
  std::unique_ptr<Timer> deadline_;
  Done done_;
};

}  // namespace multilink
