// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/drill.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/packet_filter.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// Makes an uplink a black hole for a while when the administrator has asked for it (`…:drill`), and tells by events what became
/// of the request.
///
/// The end is the kernel's own: an element of a set of the packet filter with a timeout, counted from when the drill was asked
/// for. So nothing that dies, hangs or is started again makes a drill longer; this only ever ends one earlier, when the request
/// is taken back.
class DrillKeeper {
 public:
  static constexpr Duration kSweep = std::chrono::seconds(1);

  struct Calls {
    std::function<void(EventRecord)> on_event;  ///< to be written at once
    std::function<void()> on_change;            ///< of running()
  };

  /// All must outlive this. `boot` is this kernel's.
  DrillKeeper(Scheduler& scheduler, Store& store, Log& log, PacketFilter& filter, RedisKeys keys,
              std::string boot, Calls calls);

  void start();     ///< reads the request now and each kSweep
  void on_ready();  ///< Redis is back
  void on_hint();   ///< somebody has asked for something
  /// As the uplinks stand.
  void set_uplinks(std::vector<DrillUplink> uplinks) { uplinks_ = std::move(uplinks); }

  struct Running {
    DrillRecord asked;
    std::string device;
    WallTime until;  ///< for people
  };
  const std::optional<Running>& running() const { return running_; }

 private:
  void sweep();
  void read();
  void take(const Reply& reply);
  void answer(const DrillRecord& asked);
  /// What an earlier process of ours has been asked for and may have done: it is not begun anew.
  bool is_of_earlier_run(const DrillRecord& asked) const;
  void begin(const DrillRecord& asked, const Now& now);
  void run_until_end(const DrillRecord& asked, const std::string& device, const Now& now);
  void finish(std::string reason);
  void tell(const DrillRecord& asked, std::string from, std::string to, std::string reason);
  std::string device_of(const std::string& uplink) const;

  Scheduler& scheduler_;
  Store& store_;
  Log& log_;
  PacketFilter& filter_;
  RedisKeys keys_;
  std::string boot_;
  Calls calls_;
  Complaints complaints_;
  std::vector<DrillUplink> uplinks_;
  std::optional<Running> running_;
  std::string answered_;  ///< the id of the request that was answered last
  MonoTime begun_{};      ///< when this process began
  bool reading_ = false;
  bool again_ = false;
  std::unique_ptr<Timer> sweep_timer_;
  std::unique_ptr<Timer> end_timer_;
};

}  // namespace multilink
