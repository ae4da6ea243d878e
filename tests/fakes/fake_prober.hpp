// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fakes/fake_scheduler.hpp"
#include "multilink/ports/prober.hpp"

namespace multilink::fakes {

/// What happens to a probe on its way.
struct ProbePath {
  enum class End { answers, silent, unreachable };
  End end = End::answers;
  Duration rtt = std::chrono::milliseconds(20);
};

/// ICMP in virtual time: every target answers through every link after 20 ms, unless told otherwise. Lets
/// through only what the kernel's filter would.
class FakeProber final : public Prober {
 public:
  explicit FakeProber(FakeScheduler& scheduler) : scheduler_(scheduler) {}

  Result<void> listen(const ProbeIdentity& identity,
                      std::function<void(std::span<const ArrivedMessage>)> on_arrivals) override;
  std::vector<Result<MonoTime>> send(std::span<const OutgoingProbe> probes) override;

  /// Decides what becomes of each probe from now on.
  void set_world(std::function<ProbePath(const OutgoingProbe&)> world) { world_ = std::move(world); }
  /// Sending through the link fails with this errno; 0: no longer.
  void refuse(unsigned link_index, int code) { refusals_[link_index] = code; }
  void refuse_to_listen(int code) { listen_error_ = code; }
  /// A message comes in by the wire, from anybody.
  void deliver(const IpAddress& source, std::vector<std::uint8_t> message);

  struct Sent {
    MonoTime at;
    OutgoingProbe probe;
  };
  /// Every probe that left, in order, and how many calls of send() it took.
  const std::vector<Sent>& sent() const { return sent_; }
  unsigned calls() const { return calls_; }
  const std::optional<ProbeIdentity>& identity() const { return identity_; }
  void forget_sent();

 private:
  bool is_ours(std::span<const std::uint8_t> echo) const;
  bool passes_filter(Family family, const std::vector<std::uint8_t>& message) const;
  Result<MonoTime> send_one(const OutgoingProbe& probe);

  FakeScheduler& scheduler_;
  std::function<ProbePath(const OutgoingProbe&)> world_ = [](const OutgoingProbe&) { return ProbePath{}; };
  std::map<unsigned, int> refusals_;
  int listen_error_ = 0;
  std::optional<ProbeIdentity> identity_;
  std::function<void(std::span<const ArrivedMessage>)> on_arrivals_;
  std::vector<Sent> sent_;
  unsigned calls_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Timer>> on_the_way_;
  std::uint64_t next_ = 0;
};

}  // namespace multilink::fakes
