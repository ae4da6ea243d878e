// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/peers.hpp"

#include <algorithm>
#include <deque>

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

Duration phase(Duration period, std::mt19937_64& random) {
  return Duration(std::uniform_int_distribution<Duration::rep>(0, period.count() - 1)(random));
}

/// One `ping -c 1 -W WAIT`: whether it was answered, and how long it took.
struct Ping {
  bool answered;
  Duration took;
};

Ping ping(const Carry& carry, Duration at, Duration wait) {
  const auto rtt = carry(at);
  return rtt && *rtt <= wait ? Ping{true, *rtt} : Ping{false, wait};
}

/// Counts outcomes of one kind in a row, against the state that stands.
class InARow {
 public:
  InARow(int fall, int rise) : fall_(fall), rise_(rise) {}

  bool is_up() const { return up_; }
  /// Whether the state has changed.
  bool add(bool good) {
    count_ = good == up_ ? 0 : count_ + 1;
    if (count_ < (up_ ? fall_ : rise_)) return false;
    up_ = !up_;
    count_ = 0;
    return true;
  }

 private:
  int fall_;
  int rise_;
  bool up_ = true;
  int count_ = 0;
};

Judgement judgement(bool usable) {
  return usable ? Judgement::usable : Judgement::evicted;
}

}  // namespace

Decisions follow_keepalived(const Carry& carry, Duration end, std::mt19937_64& random) {
  constexpr Duration kInterval = 1s;
  constexpr Duration kWait = 500ms;
  constexpr Duration kBecomeMaster = 3 * 1s + 609ms;  // three adverts, and (256 - priority 100) / 256 s
  Decisions decisions;
  InARow script(3, 3);
  std::optional<Duration> master_at;
  for (Duration at = phase(kInterval, random); at < end; at += kInterval) {
    if (master_at && *master_at <= at) {
      decisions.push_back({*master_at, Judgement::usable});
      master_at.reset();
    }
    const auto [answered, took] = ping(carry, at, kWait);
    if (!script.add(answered)) continue;
    if (script.is_up()) {
      master_at = at + took + kBecomeMaster;
    } else if (master_at) {
      master_at.reset();  // it has not been master again
    } else {
      decisions.push_back({at + took, Judgement::evicted});
    }
  }
  return decisions;
}

Decisions follow_shell_loop(const Carry& carry, Duration end, std::mt19937_64& random) {
  constexpr Duration kWait = 1s;
  constexpr Duration kSleep = 1s;
  Decisions decisions;
  InARow loop(3, 3);
  for (Duration at = phase(kSleep, random); at < end;) {
    const auto [answered, took] = ping(carry, at, kWait);
    at += took;
    if (loop.add(answered)) decisions.push_back({at, judgement(loop.is_up())});
    at += kSleep;
  }
  return decisions;
}

Decisions follow_lsm(const Carry& carry, Duration end, std::mt19937_64& random) {
  constexpr Duration kInterval = 1s;
  constexpr Duration kTimeout = 1s;
  constexpr std::size_t kFollowed = 100;
  struct Probe {
    Duration sent;
    std::optional<Duration> answered;
    bool late;  // was found waiting after the timeout by a decision
    bool is_answered(Duration now) const { return answered && *answered <= now; }
  };
  Decisions decisions;
  std::deque<Probe> probes;  // newest first
  bool up = true;
  Duration send = phase(kInterval, random);
  for (Duration now = phase(kInterval, random); now < end; now += kInterval) {
    for (; send <= now; send += kInterval) {
      const auto rtt = carry(send);
      probes.push_front({send, rtt ? std::optional(send + *rtt) : std::nullopt, false});
      if (probes.size() > kFollowed) probes.pop_back();
    }
    const auto in_a_row = [&](auto fits) {
      if (probes.empty()) return 0L;
      const auto first = probes.begin() + 1;  // the newest may well be on its way
      return std::find_if_not(first, probes.end(), fits) - first;
    };
    const auto missing = in_a_row([&](const Probe& probe) { return probe.late || !probe.is_answered(now); });
    const auto received = in_a_row([&](const Probe& probe) { return !probe.late && probe.is_answered(now); });
    for (auto& probe : probes) probe.late |= !probe.is_answered(now) && now - probe.sent > kTimeout;
    const auto lost = std::ranges::count_if(probes, &Probe::late);
    if (up ? lost >= 15 || missing >= 7 : lost <= 5 && received >= 10) {
      up = !up;
      decisions.push_back({now, judgement(up)});
    }
  }
  return decisions;
}

Decisions follow_dpinger(const Carry& carry, Duration end, std::mt19937_64& random) {
  constexpr Duration kSend = 500ms;
  constexpr Duration kLost = 2s;
  constexpr Duration kAlert = 1s;
  constexpr std::size_t kSlots = (60s + kLost) / kSend;
  constexpr int kLooksToClear = 10;
  struct Probe {
    Duration sent;
    std::optional<Duration> rtt;
  };
  Decisions decisions;
  std::deque<Probe> probes;
  int loss_alarm = 0;
  int latency_alarm = 0;
  bool up = true;
  Duration send = phase(kSend, random);
  for (Duration now = phase(kAlert, random); now < end; now += kAlert) {
    for (; send <= now; send += kSend) {
      probes.push_back({send, carry(send)});
      if (probes.size() > kSlots) probes.pop_front();
    }
    int lost = 0;
    int received = 0;
    Duration sum{};
    for (const auto& probe : probes) {
      if (probe.rtt && probe.sent + *probe.rtt <= now) {
        ++received;
        sum += *probe.rtt;
      } else if (now - probe.sent > kLost) {
        ++lost;
      }
    }
    const int loss_percent = lost == 0 ? 0 : lost * 100 / (lost + received);
    const Duration latency = received == 0 ? Duration{} : sum / received;
    loss_alarm = loss_percent > 20 ? kLooksToClear : std::max(0, loss_alarm - 1);
    latency_alarm = latency > 500ms ? kLooksToClear : std::max(0, latency_alarm - 1);
    if (const bool good = loss_alarm == 0 && latency_alarm == 0; good != up) {
      up = good;
      decisions.push_back({now, judgement(up)});
    }
  }
  return decisions;
}

Decisions follow_mwan3(const Carry& carry, Duration end, std::mt19937_64& random) {
  constexpr Duration kWait = 4s;
  constexpr Duration kSleep = 10s;
  constexpr int kTargets = 4;
  constexpr int kReliability = 2;
  Decisions decisions;
  InARow turns(5, 5);
  for (Duration at = phase(kSleep, random); at < end; at += kSleep) {
    int answers = 0;
    for (int target = 0; target < kTargets && answers < kReliability; ++target) {
      const auto [answered, took] = ping(carry, at, kWait);
      at += took;
      answers += answered ? 1 : 0;
    }
    if (turns.add(answers >= kReliability)) decisions.push_back({at, judgement(turns.is_up())});
  }
  return decisions;
}

}  // namespace multilink::sim
