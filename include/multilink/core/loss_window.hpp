// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// The loss and the round-trip times of the regular probes of the last `length`.
///
/// Time here is the time of sending. The window ends with the newest probe sent, N, and holds those sent in
/// (N - length, N]; what it says is therefore a function of the set of settled probes alone: neither the
/// order in which outcomes become known nor the moment of asking changes it. A probe is counted once,
/// whatever the number of times it is recorded; an answer takes back an earlier loss, never the other way
/// round.
///
/// Adding a probe in order of sending costs O(1), one that is k places late O(log n + k). Memory is bounded
/// by kMostProbes: when more fall into the window its oldest are forgotten.
class LossWindow {
 public:
  static constexpr std::size_t kMostProbes = 65536;

  /// `length` > 0.
  explicit LossWindow(Duration length);
  LossWindow(const LossWindow&) = delete;
  LossWindow& operator=(const LossWindow&) = delete;

  /// A settled probe. Without effect: burst probes (they are sent when loss is suspected, and would make it
  /// look larger than it is), probes older than the window, and what is known already.
  void record(const ProbeRecord& probe);
  /// Begins afresh: only probes sent later than `time` count from now on.
  void restart_after(MonoTime time);
  /// Forgets what it knows of one target, which has turned out to say nothing about the link.
  void forget_target(const IpAddress& target);
  /// A shorter window forgets at once; a longer one fills with time.
  void set_length(Duration length);

  Duration length() const { return length_; }
  std::size_t probes() const { return entries_.size(); }
  std::size_t lost() const { return lost_; }
  double loss() const;  ///< lost / probes, in [0,1]; 0 of none

  /// lost / probes below a ratio in [0,1], which is taken to a millionth: whole numbers are compared (lost * 10^6 with
  /// ratio * 10^6 * probes), so that 3 of 60 is exactly 5 % and not below it. No loss at all is below every ratio, also
  /// 0. False of no probes.
  bool loss_is_below(double ratio) const;
  /// Above it not by chance: were `ratio` p the true loss, so many losses of n would be more than 3 standard deviations
  /// above the mean, lost - n p > 3 sqrt(n p (1 - p)) (the one-sided score test, whose interval is E. B. Wilson's,
  /// 1927). Of 60 probes and 20 % that takes 22 losses, of 20 probes 10.
  bool loss_is_significantly_above(double ratio) const;

  /// The probes span the whole of `length` since the last restart (false before the first restart).
  bool is_full() const;
  std::optional<MonoTime> newest() const;

  /// Mean over the answered probes; 0 of none.
  Duration rtt() const;
  /// Mean of |rtt - previous rtt| over successive answers of the same target (packet delay variation of one
  /// path, RFC 3393: targets at different distances are not jitter); 0 before any two.
  Duration jitter() const;

 private:
  struct Key {
    MonoTime sent;
    std::uint64_t sequence = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Sample {
    Key key;
    Duration rtt{};
  };
  using Path = std::deque<Sample>;  // the answers of one target, by key
  struct Entry {
    Key key;
    IpAddress target;
    std::map<IpAddress, Path>::iterator path;  // end() while lost
  };

  void mark_answered(Entry& entry, const ProbeRecord& probe);
  void forget_until(MonoTime time);
  void forget_oldest();

  Duration length_;
  std::optional<MonoTime> restarted_;
  MonoTime floor_ = MonoTime::min();  // probes sent then or earlier do not count
  std::deque<Entry> entries_;         // by key
  std::map<IpAddress, Path> paths_;   // none empty
  std::size_t lost_ = 0;
  Duration rtt_sum_{};
  Duration step_sum_{};  // of |rtt - previous rtt|
  std::int64_t steps_ = 0;
};

}  // namespace multilink
