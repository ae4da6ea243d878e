// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "multilink/core/echo_packet.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

struct SentProbe {
  EchoRequest request;
  IpAddress target;
  ProbeKind kind = ProbeKind::regular;
  Now sent{};
  Duration timeout{};  ///< without an answer for so long it counts as lost

  MonoTime deadline() const { return sent.mono + timeout; }
};

/// What has become of a probe.
struct SettledProbe {
  SentProbe probe;
  Outcome outcome = Outcome::lost;
  Duration rtt{};         ///< of an answered one, at least 1 us
  bool corrects = false;  ///< it was given out as lost before: the answer was only late
  /// Of a lost one, and of the loss that this corrects: until its timeout, or until the unreachable came.
  Duration waited{};

  ProbeRecord record(const std::string& boot) const;
  /// What was recorded of it before, when it corrects.
  ProbeRecord corrected_record(const std::string& boot) const;
};

/// The probes of one uplink and family that may still be answered. A probe is pending until it is answered,
/// has outlived its timeout, or a router says it cannot arrive; a late answer turns lost into answered. Each
/// probe is given out at most twice: settled, and corrected.
///
/// An answer counts only if identifier, full sequence, nonce and source are those of a probe that is
/// remembered: for kMemory after its sending, the newest kMostRemembered. Duplicates change nothing.
class ProbeLedger {
 public:
  static constexpr Duration kMemory = std::chrono::seconds(60);
  static constexpr std::size_t kMostRemembered = 16384;

  /// The first sequence should be hard to guess: its low 16 bits are part of what a forged unreachable would
  /// have to hit. Sequences are counted up without gaps from there.
  explicit ProbeLedger(std::uint64_t first_sequence) : next_sequence_(first_sequence) {}

  /// The sequence that the next probe has to carry.
  std::uint64_t next_sequence() const { return next_sequence_; }
  /// Notes a probe that has left. Its sequence must be next_sequence().
  void add(SentProbe probe);

  /// An answer from `source`. Nothing when it is a duplicate, an Error with the reason when it answers no
  /// probe of ours.
  Result<std::optional<SettledProbe>> on_reply(const EchoReply& reply, const IpAddress& source, MonoTime at);
  /// The same for an unreachable, whoever sent it. Nothing when the probe is settled already.
  Result<std::optional<SettledProbe>> on_unreachable(const Unreachable& unreachable, MonoTime at);
  /// Settles what has outlived its timeout, oldest deadline first, and forgets what is too old.
  std::vector<SettledProbe> expire(MonoTime now);

  /// When expire() will next have something to settle.
  std::optional<MonoTime> next_deadline() const;
  std::size_t pending() const { return pending_.size(); }
  /// Those of them that will have settled by then, answered or not.
  std::size_t pending_until(MonoTime deadline) const;
  std::size_t remembered() const { return entries_.size(); }

 private:
  enum class State : std::uint8_t { pending, lost, answered };
  struct Entry {
    SentProbe probe;
    State state = State::pending;
    Duration waited{};  ///< until it counted as lost
  };

  std::uint64_t first_sequence() const { return next_sequence_ - entries_.size(); }
  Entry* find(std::uint64_t sequence);
  void settle(Entry& entry, State state);
  void forget(MonoTime now);

  std::uint64_t next_sequence_;
  std::deque<Entry> entries_;           ///< sequences first_sequence() .. next_sequence_ - 1
  std::vector<std::uint64_t> pending_;  ///< sequences: few, since a timeout is short
};

}  // namespace multilink
