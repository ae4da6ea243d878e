// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/simulated_month.hpp"

#include <algorithm>
#include <array>

namespace multilink::fakes {
namespace {

using namespace std::chrono;

constexpr Duration kInterval = seconds(2);  // of the probes

/// Its states in turn, each for a random time.
class Life {
 public:
  explicit Life(std::mt19937_64& random) : random_(random) { next(); }
  HealthState state() const { return state_; }
  Duration left = {};

  void next() {
    const auto draw = random_() % 10;
    if (state_ == HealthState::up) {
      state_ = HealthState::suspect;
      left = milliseconds(200 + random_() % 3'000);
    } else if (state_ == HealthState::suspect && draw < 4) {
      state_ = HealthState::down;
      left = milliseconds(11'000 + random_() % (draw == 0 ? 7'200'000 : 90'000));
    } else {
      state_ = HealthState::up;
      left = milliseconds(300'000 + random_() % 40'000'000);
    }
  }

 private:
  std::mt19937_64& random_;
  HealthState state_ = HealthState::down;
};

}  // namespace

void store_writes(HistoryRecorder& recorder, bool unfinished, SimulatedLink::Stored& minutes,
                  SimulatedLink::Stored& hours) {
  for (const auto hour : recorder.unknown_hours()) {
    std::array<HistoryRecord, 60> stored;
    for (int i = 0; i < 60; ++i) {
      const auto found = minutes.find(hour + std::chrono::minutes(i));
      if (found != minutes.end()) stored.at(static_cast<std::size_t>(i)) = found->second;
    }
    recorder.take_up(hour, stored);
  }
  for (const auto& write : recorder.take_writes(unfinished)) {
    auto at = write.begin;
    for (const auto& record : write.records) {
      auto& into = write.step == HistoryStep::minute ? minutes : hours;
      into[at] = decode_history(write.step, encode_history(write.step, record)).value();
      at += length_of(write.step);
    }
  }
}

SimulatedLink SimulatedLink::run(std::mt19937_64& random, WallTime begin, std::chrono::hours length) {
  SimulatedLink out;
  HistoryRecorder recorder;
  Life life(random);
  Now now{MonoTime(std::chrono::hours(1)), begin};
  recorder.enter(life.state(), now.mono);
  recorder.advance(now);
  std::uint64_t sequence = 0;
  Duration rtt_of_minute{};
  unsigned probes_of_minute = 0;
  unsigned lost_of_minute = 0;
  bool was_out = false;
  for (const WallTime end = begin + length; now.wall < end;) {
    // Two seconds of it, in as many pieces as there are states.
    for (Duration passed{}; passed < kInterval;) {
      const Duration piece = std::min(life.left, kInterval - passed);
      const auto at = now.wall + duration_cast<milliseconds>(passed);
      const bool is_out = life.state() != HealthState::up;
      (life.state() == HealthState::up               ? out.up
       : is_out && life.state() == HealthState::down ? out.down
                                                     : out.suspect) += piece;
      if (is_out && !was_out) out.outages.push_back({at, {}});
      if (is_out) out.outages.back().length += piece;
      was_out = is_out;
      passed += piece;
      life.left -= piece;
      if (life.left > Duration{}) continue;
      life.next();
      recorder.enter(life.state(), now.mono + passed);
    }
    ProbeRecord probe;
    probe.sequence = ++sequence;
    probe.sent = now.mono;
    probe.sent_wall = now.wall;
    probe.target = *IpAddress::parse("192.0.2.1");
    const bool is_lost = life.state() == HealthState::down || random() % 50 == 0;
    probe.outcome = is_lost ? Outcome::lost : Outcome::answered;
    if (!is_lost) probe.rtt = microseconds(18'000 + random() % 4'000 + (random() % 100 == 0 ? 200'000 : 0));
    ++out.probes;
    ++probes_of_minute;
    lost_of_minute += is_lost ? 1U : 0U;
    out.lost += is_lost ? 1U : 0U;
    out.rtt_sum += probe.rtt;
    rtt_of_minute += probe.rtt;
    out.rtt_most = std::max(out.rtt_most, probe.rtt);
    now.mono += kInterval;
    now.wall += duration_cast<milliseconds>(kInterval);
    if (random() % 20 == 0) {  // first taken for lost
      auto early = probe;
      early.outcome = Outcome::lost;
      early.rtt = {};
      recorder.observe(early, now);
    }
    recorder.observe(probe, now);
    recorder.advance(now);
    if (now.wall != floor<std::chrono::minutes>(now.wall)) continue;
    const auto answers = probes_of_minute - lost_of_minute;
    if (answers > 0) out.minute_rtts.push_back(floor<microseconds>(rtt_of_minute / answers));
    out.minute_losses.push_back(static_cast<double>(lost_of_minute) / probes_of_minute);
    rtt_of_minute = {};
    probes_of_minute = lost_of_minute = 0;
    store_writes(recorder, false, out.minutes, out.hours);
  }
  store_writes(recorder, true, out.minutes, out.hours);
  return out;
}

}  // namespace multilink::fakes
