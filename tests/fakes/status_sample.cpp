// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/status_sample.hpp"

#include "multilink/core/redis_keys.hpp"

namespace multilink::fakes {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kBoot = "0123abcd";

UplinkStatus sample_uplink(const std::string& name, const std::string& device, unsigned precedence) {
  UplinkStatus uplink;
  uplink.name = name;
  LinkRecord link;
  link.device = device;
  link.boot = kBoot;
  link.carrier = true;
  link.since = kSampleTime - minutes(90);
  link.families[Family::v4] = {
      LinkFact::ok, {*IpAddress::parse("198.51.100.2")}, IpAddress::parse("198.51.100.1")};
  link.families[Family::v6] = {LinkFact::no_address, {}, std::nullopt};
  uplink.link = link;
  HealthRecord health;
  health.device = device;
  health.precedence = precedence;
  health.boot = kBoot;
  health.families[Family::v4] = {HealthState::up,
                                 kSampleTime - minutes(3),
                                 "first answer",
                                 "0123abcd-1f",
                                 0.05,
                                 60,
                                 std::chrono::microseconds(20'300),
                                 std::chrono::microseconds(1'200),
                                 false,
                                 0.01,
                                 {},
                                 {}};
  uplink.health = health;
  uplink.usable = true;
  uplink.usable_in[Family::v4] = true;
  uplink.usable_in[Family::v6] = fail("not written yet");
  ProbeRecord probe;
  probe.boot = kBoot;
  probe.sequence = 26;
  probe.outcome = Outcome::answered;
  probe.rtt = std::chrono::microseconds(20'100);
  probe.sent_wall = kSampleTime - seconds(1);
  probe.target = *IpAddress::parse("192.0.2.1");
  uplink.recent[Family::v4] = {20, 1, probe};
  return uplink;
}

DaemonStatus sample_daemon(std::string_view name, int pid) {
  return {std::string(name), DaemonRecord{pid, "0.1.0", kSampleTime - minutes(5), "0123456789abcdef"}};
}

Store::Command write_hash(const std::string& key, const Fields& fields) {
  Store::Command command{"HSET", key};
  for (const auto& [field, value] : fields) {
    command.push_back(field);
    command.push_back(value);
  }
  return command;
}

Store::Command write_status(const std::string& key, bool usable) {
  return {"SET", key, usable ? "TRUE" : "FALSE"};
}

/// As many probes as `recent` speaks of, a second apart; the lost ones come first.
void write_probes(const std::string& key, const RecentProbes& recent, std::vector<Store::Command>& out) {
  for (unsigned i = 0; i < recent.settled; ++i) {
    ProbeRecord probe = recent.last;
    const unsigned before = recent.settled - 1 - i;
    probe.sequence -= before;
    probe.sent_wall -= seconds(before);
    if (i < recent.lost) {
      probe.outcome = Outcome::lost;
      probe.rtt = {};
    }
    out.push_back({"ZADD", key, std::to_string(probe.sent_wall.time_since_epoch().count()), probe.encode()});
  }
}

void write_uplink(const RedisKeys& keys, const UplinkStatus& uplink, std::vector<Store::Command>& out) {
  if (uplink.link) out.push_back(write_hash(keys.link(uplink.name), uplink.link->encode()));
  if (uplink.health) out.push_back(write_hash(keys.health(uplink.name), uplink.health->encode()));
  if (uplink.usable) out.push_back(write_status(keys.status(uplink.name), *uplink.usable));
  for (const auto& [family, usable] : uplink.usable_in) {
    if (usable) out.push_back(write_status(keys.status(uplink.name, family), *usable));
  }
  if (uplink.proxy) out.push_back(write_hash(keys.proxy(uplink.name), uplink.proxy->encode()));
  for (const auto& [family, recent] : uplink.recent) write_probes(keys.probes(uplink.name), recent, out);
}

}  // namespace

StatusSnapshot sample_snapshot() {
  StatusSnapshot snapshot;
  snapshot.site = "local";
  snapshot.at = kSampleTime;
  snapshot.uplinks = {sample_uplink("fibre", "eth0", 1), sample_uplink("lte", "wwan0", 2)};
  RoutingRecord routing;
  routing.sync = "in_sync";
  routing.families[Family::v4] = {{{"fibre", "eth0", IpAddress::parse("198.51.100.1"), 1}},
                                  kSampleTime - minutes(3),
                                  "0123abcd-1f",
                                  std::chrono::microseconds(250),
                                  std::chrono::microseconds(875)};
  snapshot.routing = routing;
  int pid = 100;
  for (const auto name : kDaemonNames) snapshot.daemons.push_back(sample_daemon(name, pid++));
  EventRecord event;
  event.id = "0123abcd-1f";
  event.at = kSampleTime - minutes(3);
  event.source = "healthd";
  event.kind = "health";
  event.uplink = "fibre";
  event.family = Family::v4;
  event.from = "unknown";
  event.to = "up";
  event.reason = "first answer";
  event.took = milliseconds(21);
  event.chain = std::chrono::microseconds(640);
  snapshot.events = {event};
  return snapshot;
}

StatusSnapshot failed_over_snapshot() {
  StatusSnapshot snapshot = sample_snapshot();
  auto& fibre = snapshot.uplinks.front();
  fibre.usable = false;
  fibre.usable_in[Family::v4] = false;
  fibre.health->families[Family::v4].state = HealthState::down;
  fibre.health->families[Family::v4].reason = "loss 24 % over 60 s exceeds loss_down 20 %";
  snapshot.routing->families[Family::v4].active = {{"lte", "wwan0", std::nullopt, 1}};
  return snapshot;
}

std::vector<Store::Command> commands_to_write(const StatusSnapshot& snapshot) {
  const RedisKeys keys(snapshot.site);
  std::vector<Store::Command> out;
  for (std::size_t i = 0; i < snapshot.uplinks.size(); ++i) {
    out.push_back({"ZADD", keys.uplinks(), std::to_string(i + 1), snapshot.uplinks[i].name});
    write_uplink(keys, snapshot.uplinks[i], out);
  }
  if (snapshot.routing) out.push_back(write_hash(keys.routing(), snapshot.routing->encode()));
  for (const auto& daemon : snapshot.daemons) {
    if (daemon.record) out.push_back(write_hash(keys.daemon(daemon.name), daemon.record->encode()));
  }
  for (auto event = snapshot.events.rbegin(); event != snapshot.events.rend(); ++event) {
    Store::Command command = write_hash(keys.events(), event->encode());
    command.front() = "XADD";
    command.insert(command.begin() + 2, "*");
    out.push_back(std::move(command));
  }
  return out;
}

}  // namespace multilink::fakes
