// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/health_machine.hpp"
#include "multilink/core/uplink_probing.hpp"

namespace multilink {

/// What pingd and healthd would make of a link: their cores, UplinkProbing and HealthMachine, on a link that is given
/// as a function, in virtual time. One family, without users' traffic, and with nothing lost between the daemons.
class LinkReplay {
 public:
  /// What becomes of a probe sent to `target` at a time: its round-trip time, or none: lost. Is asked in order of time.
  using Link = std::function<std::optional<Duration>(MonoTime at, const IpAddress& target)>;

  /// The link is in order (no fact speaks against it) and the first probe leaves at `start`. Probed is the family of the
  /// uplink's first target; it has one. `seed` gives the pauses between the probes (pause_to_next_probe).
  LinkReplay(const UplinkConfig& uplink, Link link, MonoTime start, std::uint64_t seed = 1);
  LinkReplay(const LinkReplay&) = delete;
  LinkReplay& operator=(const LinkReplay&) = delete;

  /// Everything that happens until `end`.
  void run_until(MonoTime end);

  struct Change {
    Transition transition;
    MonoTime decided;  ///< when it was known. (Transition::at may lie before: a loss speaks at its sending.)

    bool operator==(const Change&) const = default;
  };

  const HealthMachine& health() const { return machine_; }
  /// The changes of state since the last call, oldest first.
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  /// Whether a link that is not up answers (HealthMachine::answers): each change since the last call, oldest first.
  std::vector<std::pair<MonoTime, bool>> take_answering() { return std::exchange(answering_, {}); }
  /// Probes that have left.
  std::uint64_t regular_probes() const { return regular_probes_; }
  std::uint64_t burst_probes() const { return burst_probes_; }

 private:
  struct Arrival {
    MonoTime at;
    EchoRequest request;
    IpAddress source;
    /// Later ones are less: the queue gives the earliest first.
    bool operator<(const Arrival& other) const { return at > other.at; }
  };

  MonoTime next_event() const;
  void handle(MonoTime now);
  void send(const std::optional<PreparedProbe>& probe, MonoTime now);
  void show(const SettledProbe& settled);

  Family family_;
  Duration interval_;
  Link link_;
  std::mt19937_64 random_;
  UplinkProbing probing_;
  HealthMachine machine_;
  std::priority_queue<Arrival> arrivals_;
  std::vector<Change> changes_;
  std::vector<std::pair<MonoTime, bool>> answering_;
  bool answers_ = false;
  MonoTime now_;    // what happened last happened then
  MonoTime tick_;   // the next regular probe
  MonoTime sweep_;  // when the machine is told the time next
  std::uint64_t regular_probes_ = 0;
  std::uint64_t burst_probes_ = 0;
};

}  // namespace multilink
