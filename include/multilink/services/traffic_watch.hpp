// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "multilink/core/traffic_rhythm.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/traffic_counters.hpp"

namespace multilink {

/// Watches users' traffic on the uplinks for silences (TrafficRhythm says what one is, and when to read next). An uplink
/// without traffic is read only when look() is called: idle links cost next to nothing. What costs most is that the
/// daemon wakes, so uplinks with traffic are read together.
class TrafficWatch {
 public:
  /// What is due so soon is read at once.
  static constexpr Duration kTogether = TrafficRhythm::kPause / 2;

  /// `on_silence` is called with the uplink's name, from the loop or from look(). The others must outlive this.
  TrafficWatch(Scheduler& scheduler, TrafficCounters& counters,
               std::function<void(const std::string&)> on_silence);

  /// The uplinks that can be asked, by name, with their device's index. Those that stay keep their rhythm.
  void set_links(const std::map<std::string, unsigned>& links);
  /// Reads all. To be called about each second.
  void look();
  /// What came of a silence: whether the link was found dead.
  void on_answer(const std::string& uplink, bool was_dead);

 private:
  struct Link {
    unsigned index = 0;
    TrafficRhythm rhythm;
    bool is_asked = false;  ///< a silence was reported, and nothing has come of it yet
  };

  void read(const std::string& name, Link& link);
  void read_due();
  void schedule();

  Scheduler& scheduler_;
  TrafficCounters& counters_;
  std::function<void(const std::string&)> on_silence_;
  std::map<std::string, Link> links_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
