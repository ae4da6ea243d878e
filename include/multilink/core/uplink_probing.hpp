// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/echo_packet.hpp"
#include "multilink/core/inquiry.hpp"
#include "multilink/core/probe_ledger.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/rtt_estimator.hpp"
#include "multilink/core/time.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// A probe that is ready to leave. It counts from note_sent() on: one that the kernel refuses leaves no
/// trace.
struct PreparedProbe {
  EchoRequest request;
  IpAddress target;
  ProbeKind kind = ProbeKind::regular;
};

/// All that pingd knows of one uplink while it probes it: whom to ask next and how long to wait, what is
/// pending, what the kernel says of the device, and when to ask beyond the regular interval.
class UplinkProbing {
 public:
  /// A target that is set aside is asked so rarely, to see whether it lives again.
  static constexpr Duration kAsidePause = std::chrono::seconds(30);

  /// `first_sequence` as ProbeLedger asks for it.
  UplinkProbing(UplinkConfig config, std::uint16_t identifier, std::uint64_t first_sequence);

  const UplinkConfig& config() const { return config_; }
  std::uint16_t identifier() const { return identifier_; }
  /// Of the same device: all that is known is kept, but for the RTT of targets that are no longer asked.
  void configure(UplinkConfig config);

  const UplinkFacts& facts() const { return facts_; }
  void set_facts(UplinkFacts facts, MonoTime now);

  /// The next probe, the family's targets in turn, but for those set aside. None while a fact speaks against it, or
  /// without a target.
  std::optional<PreparedProbe> prepare(Family family, ProbeKind kind, std::uint64_t nonce);
  /// A probe to a target that is set aside, if it is time to see whether it lives again. It goes beside the regular
  /// one, never instead, since it says nothing about the link; and so it is no regular one.
  std::optional<PreparedProbe> prepare_revisit(Family family, std::uint64_t nonce, MonoTime now);
  /// The probe that was prepared last for its family has left at `at`. Gives the deadline of its answer.
  MonoTime note_sent(const PreparedProbe& probe, const Now& at);

  /// As ProbeLedger does; answers also teach the target's timeout.
  Result<std::optional<SettledProbe>> on_message(const IcmpMessage& message, const IpAddress& source,
                                                 MonoTime at);
  std::vector<SettledProbe> expire(MonoTime now);
  std::optional<MonoTime> next_deadline() const;

  /// When the next burst probe of the family is due (it may be past). None: no question is open, or one more could not
  /// answer it sooner, since as many probes as it takes are on their way and will have settled before; look again when
  /// one has.
  std::optional<MonoTime> next_burst(Family family, MonoTime now) const;
  /// A burst probe of the family is being sent, or would be but for this host's refusal: the next is due a pause later.
  void begin_burst_probe(Family family, MonoTime now) {
    families_.at(family).inquiry.on_burst_probe_sent(now);
  }
  /// Users' traffic has fallen silent: asks every family that can be asked.
  void on_silence(MonoTime now);
  const Inquiry& inquiry(Family family) const { return families_.at(family).inquiry; }

 private:
  struct PerFamily {
    explicit PerFamily(std::uint64_t first_sequence) : ledger(first_sequence) {}

    ProbeLedger ledger;
    std::vector<IpAddress> targets;
    std::size_t turn = 0;
    std::map<IpAddress, RttEstimator> rtts;  ///< of each target
    std::map<IpAddress, MonoTime> asked;     ///< when each target was asked last
    Inquiry inquiry;
  };

  bool can_ask(Family family) const;
  static const IpAddress& next_target(PerFamily& state);
  static bool enough_on_their_way(const PerFamily& state, MonoTime now);

  UplinkConfig config_;
  std::uint16_t identifier_;
  UplinkFacts facts_;
  std::map<Family, PerFamily> families_;  ///< always both
};

}  // namespace multilink
