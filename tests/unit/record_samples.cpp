// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit/record_samples.hpp"

#include <algorithm>
#include <limits>

#include "multilink/core/flap_penalty.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

std::int64_t RecordSamples::between(std::int64_t least, std::int64_t most) {
  const auto dice = std::uniform_int_distribution<int>(0, 9)(random_);
  if (dice == 0) return least;
  if (dice == 1) return most;
  return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
}

std::size_t RecordSamples::size(std::size_t least, std::size_t most) {
  const auto usual = std::min<std::size_t>(most, least + 8);
  const auto largest = std::uniform_int_distribution<int>(0, 49)(random_) == 0 ? most : usual;
  return static_cast<std::size_t>(
      between(static_cast<std::int64_t>(least), static_cast<std::int64_t>(largest)));
}

std::string RecordSamples::bytes(std::size_t most) {
  std::string out(size(0, most), '\0');
  for (char& byte : out) byte = static_cast<char>(between(0, 255));
  return out;
}

std::string RecordSamples::hex(std::size_t digits) {
  std::string out;
  while (out.size() < digits) out += "0123456789abcdef"[between(0, 15)];
  return out;
}

std::string RecordSamples::name() {
  std::string out(size(1, kMaxName), 'x');
  for (char& c : out) c = "abcXYZ019-_.:,@"[between(0, 14)];
  return out;
}

std::string RecordSamples::text() {
  static const std::vector<std::string> kPieces{"loss", " ", "24 %", "≥", "ü", "\"<&>", "𝄞", "'", "\\"};
  std::string out;
  const auto wanted = size(0, kMaxText - 4);
  while (out.size() < wanted) out += kPieces[static_cast<std::size_t>(between(0, 8))];
  return out;
}

std::string RecordSamples::event_id() {
  return cat(hex(8), '-', hex(static_cast<std::size_t>(between(1, 16))));
}

WallTime RecordSamples::wall() {
  return WallTime(std::chrono::milliseconds(between(0, kMaxWallMs)));
}

MonoTime RecordSamples::mono() {
  return MonoTime(Duration(between(0, std::numeric_limits<std::int64_t>::max())));
}

Duration RecordSamples::length() {
  return std::chrono::microseconds(
      between(0, std::chrono::duration_cast<std::chrono::microseconds>(kMaxDuration).count()));
}

IpAddress RecordSamples::address(Family family) {
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(between(0, 255));
  if (family == Family::v6) return IpAddress::from_v6(bytes);
  return IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

std::optional<IpAddress> RecordSamples::gateway(Family family) {
  return coin() ? std::optional(address(family)) : std::nullopt;
}

std::vector<Family> RecordSamples::families() {
  std::vector<Family> out;
  for (const Family family : kFamilies) {
    if (coin()) out.push_back(family);
  }
  return out;
}

ProbeRecord RecordSamples::probe() {
  ProbeRecord out;
  out.boot = hex(8);
  out.sequence = static_cast<std::uint64_t>(between(0, std::numeric_limits<std::int64_t>::max()));
  out.outcome = coin() ? Outcome::answered : Outcome::lost;
  (out.outcome == Outcome::answered ? out.rtt : out.waited) = length();
  out.kind = coin() ? ProbeKind::burst : ProbeKind::regular;
  out.sent = mono();
  out.sent_wall = wall();
  out.target = address(coin() ? Family::v4 : Family::v6);
  return out;
}

LinkRecord RecordSamples::link() {
  LinkRecord out{name(), hex(8), coin(), wall(), {}, mono()};
  for (const Family family : families()) {
    auto& seen = out.families[family];
    seen.fact = static_cast<LinkFact>(between(0, 5));
    seen.addresses.resize(size(0, kMaxAddresses));
    for (auto& one : seen.addresses) one = address(family);
    seen.gateway = gateway(family);
  }
  return out;
}

HealthRecord RecordSamples::health() {
  HealthRecord out;
  out.device = name();
  out.precedence = static_cast<unsigned>(between(1, 1'000'000));
  out.weight = static_cast<unsigned>(between(1, 256));
  out.enabled = coin();
  out.boot = hex(8);
  out.admin = static_cast<AdminMode>(between(0, 2));
  if (coin()) out.admin_until = wall();
  out.written = mono();
  for (const Family family : families()) {
    auto& seen = out.families[family];
    seen.state = static_cast<HealthState>(between(0, 3));
    seen.since = wall();
    seen.reason = text();
    seen.event = event_or_empty();
    seen.loss = static_cast<double>(between(0, 1'000'000)) / 1e6;
    seen.probes = static_cast<unsigned>(between(0, std::numeric_limits<unsigned>::max()));
    seen.rtt = length();
    seen.jitter = length();
    seen.answers = random() % 2 == 0;
    seen.baseline = seen.loss;
    if (coin()) seen.decided = mono();
    if (coin()) seen.entered = mono();
    if (coin())
      seen.forgiven =
          coin() ? mono() : MonoTime(-Duration(between(0, FlapPenalty::kLongestForgiven.count())));
    if (coin()) seen.damping = length();
  }
  return out;
}

RoutingRecord RecordSamples::routing() {
  RoutingRecord out;
  out.sync = text();
  out.warnings.resize(size(0, kMaxWarnings));
  for (auto& warning : out.warnings) {
    warning = text();
    std::replace(warning.begin(), warning.end(), '|', '/');
    if (warning.empty()) warning = "x";
  }
  if (coin()) out.drill = name();
  if (coin()) out.drill_until = wall();
  for (const Family family : families()) {
    auto& seen = out.families[family];
    seen.active.resize(size(0, kMaxActive));
    for (auto& one : seen.active) {
      one = {name(), name(), gateway(family), static_cast<unsigned>(between(1, 256))};
    }
    seen.since = wall();
    seen.event = event_or_empty();
    if (coin()) seen.decided_to_kernel = length();
    if (coin()) seen.chain = length();
    for (auto i = size(0, 100); i > 0; --i) seen.policies[name()] = coin() ? name() : std::string();
  }
  return out;
}

EventRecord RecordSamples::event() {
  EventRecord out{event_id(), wall(), name(), name(), coin() ? name() : std::string(), {}, text(), text(),
                  text(),     {},     {},     {}};
  if (coin()) out.family = coin() ? Family::v4 : Family::v6;
  if (coin()) out.took = length();
  if (coin()) out.decided = mono();
  if (coin()) out.chain = length();
  return out;
}

DaemonRecord RecordSamples::daemon() {
  return {static_cast<int>(between(1, 4'194'304)), text(), wall(), hex(16), coin(), coin()};
}

}  // namespace multilink
