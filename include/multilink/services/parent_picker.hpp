// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/parent_candidates.hpp"
#include "multilink/core/parent_choice.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/parent_watch.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/health_reader.hpp"
#include "multilink/services/proxy_reporter.hpp"

namespace multilink {

/// All must outlive the picker.
struct PickerPorts {
  Scheduler& scheduler;
  Store& store;
  Log& log;
  ParentWatch& parents;
};

/// multilink-squid-helper: chooses the parent of each request, from what healthd said last of the uplinks. It answers from
/// memory, never asks Redis for an answer and never waits for it: without Redis it goes on with the last word, and before the
/// first word it leaves the choice to Squid.
class ParentPicker {
 public:
  /// How often the parents are asked for their figures.
  static constexpr Duration kWatch = std::chrono::seconds(5);
  /// A parent that takes connections and lets this question wait for so long, lets users wait too: it is not chosen, as
  /// long as another one answers. One that refuses connections is: Squid asks the next one at once.
  static constexpr Duration kSilence = std::chrono::seconds(2);

  /// `uplinks` in the order of the configuration; `boot` as records carry it: the word of another boot does not count.
  ParentPicker(PickerPorts ports, std::string_view site, std::vector<ParentUplink> uplinks, std::string boot);

  void start();  ///< call once, from the loop
  /// The answer to a line of Squid; no value: it wants none.
  std::optional<std::string> answer(std::string_view line);

 private:
  struct Counts {
    std::uint64_t choices = 0;
    std::uint64_t alternatives = 0;
    std::optional<ParentFigures> parent = {};
    std::optional<MonoTime> asked = {};  ///< and it has not answered yet
    bool is_silent = false;
  };

  void hear(const HealthRecords& records);
  void choose_among();
  void watch_parents();
  void ask(const std::string& uplink);
  void note_silence(const std::string& uplink, bool is_silent);
  ProxyReporter::Records records() const;

  PickerPorts ports_;
  std::vector<ParentUplink> uplinks_;
  std::string boot_;
  RedisKeys keys_;
  HealthReader reader_;
  ProxyReporter reporter_;
  HealthRecords health_;
  std::vector<ParentCandidate> candidates_;
  ParentChoice choice_;
  std::map<std::string, Counts> counts_;
  WallTime since_;
  std::unique_ptr<Timer> watch_timer_;
  std::unique_ptr<Timer> silence_timer_;
};

}  // namespace multilink
