// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/ping_service.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "multilink/core/link_report.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/send_refusal.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// Identifiers in reserve above the first, for reloads that add uplinks.
constexpr std::uint32_t kIdentifierSpan = 0x8000;

bool is_same_device(const UplinkConfig& a, const UplinkConfig& b) {
  return a.device == b.device && a.mac == b.mac;
}

}  // namespace

PingService::PingService(PingPorts ports, Config config, std::string boot, DaemonRecord self, Random random,
                         RoutingNumbers numbers, Pace pace)
    : ports_(ports),
      config_(std::move(config)),
      boot_(std::move(boot)),
      random_(std::move(random)),
      pace_(std::move(pace)),
      numbers_(numbers),
      reporter_(ports_.scheduler, ports_.store, ports_.log, RedisKeys(config_.suite.site), boot_),
      heartbeat_(ports_.scheduler, ports_.store, RedisKeys(config_.suite.site).daemon("pingd"),
                 std::move(self)),
      first_id_(static_cast<std::uint16_t>(random_() % kIdentifierSpan)),
      traffic_(ports_.scheduler, ports_.counters, [this](const std::string& name) {
        auto& uplink = *uplinks_.at(name);  // watch_traffic() follows uplinks_
        uplink.probing.on_silence(ports_.scheduler.now().mono);
        note_times(name, uplink);
        schedule_bursts();
      }) {}

void PingService::start() {
  apply_config();
  heartbeat_.start(config_);
  ports_.store.start({},
                     {[this] {
                        reporter_.on_ready();
                        heartbeat_.beat();
                        show_status();
                      },
                      [this](const Error&) { show_status(); }, [](std::string_view, std::string_view) {}});
  ports_.kernel.watch([this](const KernelChange& change) { on_kernel_change(change); });
  ports_.leases.watch([this] { read_kernel(); });
  read_kernel();
}

void PingService::reload(const Config& config) {
  config_ = config;
  apply_config();
  heartbeat_.set_config(config_);
  read_kernel();
}

void PingService::stop() {
  reporter_.flush();
  heartbeat_.stop();
}

void PingService::apply_config() {
  Duration window{};
  for (const auto& uplink : config_.uplinks) window = std::max(window, uplink.loss_window);
  reporter_.set_history(config_.suite.history, window);
  auto before = std::exchange(uplinks_, {});
  for (const auto& uplink : config_.uplinks) {
    const auto kept = before.find(uplink.name);
    if (kept == before.end()) continue;
    if (is_same_device(kept->second->probing.config(), uplink)) {
      kept->second->probing.configure(uplink);
      kept->second->untargeted.clear();
      uplinks_.insert(before.extract(kept));
    }
  }
  for (const auto& uplink : config_.uplinks) {
    if (uplinks_.count(uplink.name) != 0) continue;
    const std::uint64_t first_sequence = random_() >> 32;
    uplinks_[uplink.name] =
        std::make_unique<Uplink>(Uplink{UplinkProbing(uplink, free_identifier(), first_sequence)});
    before.erase(uplink.name);
  }
  for (const auto& [name, unused] : before) reporter_.forget(name);
  by_identifier_.clear();
  for (const auto& [name, uplink] : uplinks_) by_identifier_[uplink->probing.identifier()] = uplink.get();
  watch_traffic();
  note_all_times();
  if (kernel_read_) update_ticks();
}

std::uint16_t PingService::free_identifier() const {
  std::vector<bool> taken(uplinks_.size() + 1);
  for (const auto& [name, uplink] : uplinks_) {
    const std::size_t offset = uplink->probing.identifier() - std::size_t{first_id_};
    if (offset < taken.size()) taken[offset] = true;
  }
  const auto free = std::find(taken.begin(), taken.end(), false) - taken.begin();
  assert(static_cast<std::uint32_t>(free) < kIdentifierSpan);
  return static_cast<std::uint16_t>(first_id_ + free);
}

void PingService::update_ticks() {
  std::map<Duration, Tick> ticks;
  for (const auto& [name, uplink] : uplinks_) {
    const Duration interval = uplink->probing.config().probe_interval;
    if (ticks.count(interval) != 0) continue;
    if (auto running = ticks_.extract(interval)) {
      ticks.insert(std::move(running));
    } else {
      ticks[interval] = {ports_.scheduler.now().mono,
                         ports_.scheduler.after(Duration::zero(), [this, interval] { tick(interval); })};
    }
  }
  ticks_ = std::move(ticks);
}

void PingService::tick(Duration interval) {
  auto& tick = ticks_.at(interval);
  const MonoTime now = ports_.scheduler.now().mono;
  // From when this one was due, however late the call comes, so that the interval is kept on average; after a sleep
  // from now.
  const Duration pause = pace_(interval, random_());
  tick.next = (tick.next + pause > now ? tick.next : now) + pause;
  tick.timer = ports_.scheduler.after(tick.next - now, [this, interval] { this->tick(interval); });

  for (const auto why : {Turn::Why::regular, Turn::Why::revisit}) {
    std::vector<Turn> due;
    for (const auto& [name, uplink] : uplinks_) {
      if (uplink->probing.config().probe_interval != interval) continue;
      for (const Family family : kFamilies) due.push_back({uplink.get(), family, why});
    }
    probe(due);
  }
  traffic_.look();
}

void PingService::note_times(const std::string& name, const Uplink& uplink) {
  const MonoTime now = ports_.scheduler.now().mono;
  std::optional<MonoTime> first;
  for (const Family family : kFamilies) {
    const auto next = uplink.probing.next_burst(family, now);
    if (next && (!first || *next < *first)) first = next;
  }
  bursts_.set(name, first);
  deadlines_.set(name, uplink.probing.next_deadline());
}

void PingService::note_all_times() {
  bursts_.clear();
  deadlines_.clear();
  for (const auto& [name, uplink] : uplinks_) note_times(name, *uplink);
}

void PingService::schedule_bursts() {
  const MonoTime now = ports_.scheduler.now().mono;
  const auto first = bursts_.first();
  if (burst_at_ == first) return;
  burst_at_ = first;
  burst_timer_.reset();
  if (!first) return;
  burst_timer_ = ports_.scheduler.after(*first - now, [this] { burst(); });
}

void PingService::burst() {
  burst_at_.reset();
  const MonoTime now = ports_.scheduler.now().mono;
  std::vector<Turn> due;
  for (const auto& name : bursts_.due(now)) {
    auto& uplink = *uplinks_.at(name);
    for (const Family family : kFamilies) {
      const auto next = uplink.probing.next_burst(family, now);
      if (!next || *next > now) continue;
      uplink.probing.begin_burst_probe(family, now);
      due.push_back({&uplink, family, Turn::Why::burst});
    }
    note_times(name, uplink);  // also where no probe can be sent
  }
  probe(due);
  schedule_bursts();
}

void PingService::on_settled(const std::string& name, Uplink& uplink, const SettledProbe& settled) {
  reporter_.add_probe(name, settled);
  const auto& inquiry = uplink.probing.inquiry(settled.probe.target.family());
  if (inquiry.detector().says_dead()) {
    traffic_.on_answer(name, true);
  } else if (!inquiry.is_open()) {
    traffic_.on_answer(name, false);
  }
}

bool PingService::listen() {
  if (by_identifier_.empty()) return false;
  const auto ids = by_identifier_.rbegin()->first - first_id_ + 1;
  const ProbeIdentity wanted{first_id_, static_cast<std::uint16_t>(ids),
                             PacketMarks(config_.suite.mark_mask).of_probes()};
  if (identity_ == wanted) return true;
  const auto listening = ports_.prober.listen(wanted, [this](auto arrivals) { on_arrivals(arrivals); });
  identity_ = listening ? std::optional(wanted) : std::nullopt;
  const auto problem = listening ? "" : listening.error().message;
  if (problem != listen_problem_ && !listening) ports_.log.error(cat("cannot probe: ", problem));
  listen_problem_ = problem;
  show_status();
  return listening.has_value();
}

void PingService::probe(std::span<const Turn> turns) {
  // Without ears every probe would count as lost.
  if (!listen()) return;
  std::vector<Round> round;
  std::vector<OutgoingProbe> outgoing;
  const MonoTime due = ports_.scheduler.now().mono;
  for (const auto& turn : turns) {
    const auto probe = prepare(turn, due);
    if (!probe) continue;
    round.push_back({turn.uplink, *probe});
    outgoing.push_back({turn.uplink->probing.facts().link_index, probe->target,
                        build_echo_request(turn.family, probe->request)});
  }
  if (outgoing.empty()) return;
  const auto sent = ports_.prober.send(outgoing);
  const Now now = ports_.scheduler.now();
  for (std::size_t i = 0; i < round.size(); ++i) {
    auto& [uplink, probe] = round[i];
    note_refusal(*uplink, probe.target, sent.at(i));
    if (!sent[i]) continue;
    const auto wall = now.wall + std::chrono::round<std::chrono::milliseconds>(*sent[i] - now.mono);
    uplink->probing.note_sent(probe, {*sent[i], wall});
    note_times(uplink->probing.config().name, *uplink);
  }
  schedule_deadlines();
}

std::optional<PreparedProbe> PingService::prepare(const Turn& turn, MonoTime now) {
  auto& probing = turn.uplink->probing;
  if (turn.why == Turn::Why::revisit) return probing.prepare_revisit(turn.family, random_(), now);
  const auto kind = turn.why == Turn::Why::regular ? ProbeKind::regular : probing.inquiry(turn.family).kind();
  return probing.prepare(turn.family, kind, random_());
}

void PingService::note_refusal(Uplink& uplink, const IpAddress& target, const Result<MonoTime>& sent) {
  const Family family = target.family();
  const auto logged = uplink.refusals.find(family);
  if (sent) {
    if (logged == uplink.refusals.end()) return;
    uplink.refusals.erase(logged);
    ports_.log.info(cat("uplink ", uplink.probing.config().name, ": probes leave again"));
    return;
  }
  if (logged != uplink.refusals.end() && logged->second == sent.error().code) return;
  uplink.refusals[family] = sent.error().code;
  const auto& config = uplink.probing.config();
  ports_.log.warning(cat("uplink ", config.name, ": this host does not send probes to ", target.to_string(),
                         ": ", sent.error().message, "; ",
                         remedy_for_refusal(sent.error().code, config.device, target)));
}

void PingService::schedule_deadlines() {
  const auto first = deadlines_.first();
  if (deadline_ == first) return;
  deadline_ = first;
  deadline_timer_.reset();
  if (!first) return;
  deadline_timer_ =
      ports_.scheduler.after(*first - ports_.scheduler.now().mono, [this] { settle_overdue(); });
}

void PingService::settle_overdue() {
  deadline_.reset();
  const MonoTime now = ports_.scheduler.now().mono;
  for (const auto& name : deadlines_.due(now)) {
    auto& uplink = *uplinks_.at(name);
    for (const auto& lost : uplink.probing.expire(now)) on_settled(name, uplink, lost);
    note_times(name, uplink);
  }
  schedule_deadlines();
  schedule_bursts();
}

void PingService::on_arrivals(std::span<const ArrivedMessage> arrivals) {
  for (const auto& arrival : arrivals) {
    const auto taken = take(arrival);
    if (taken) continue;
    const auto held_back = foreign_messages_.admit(ports_.scheduler.now().mono);
    if (!held_back) continue;
    ports_.log.warning(cat("ignored an ICMP message from ", arrival.source.to_string(), ": ",
                           taken.error().message,
                           *held_back == 0 ? "" : cat(" (and ", *held_back, " others before it)")));
  }
}

Result<void> PingService::take(const ArrivedMessage& arrival) {
  const auto message = parse_icmp(arrival.source.family(), arrival.message);
  if (!message) return tl::unexpected<Error>(message.error());
  const auto* reply = std::get_if<EchoReply>(&*message);
  const auto uplink = by_identifier_.find(reply != nullptr ? reply->echoed.identifier
                                                           : std::get<Unreachable>(*message).identifier);
  if (uplink == by_identifier_.end()) return fail("its identifier belongs to no uplink");
  auto& probing = uplink->second->probing;
  const auto settled = probing.on_message(*message, arrival.source, arrival.at);
  if (!settled) return tl::unexpected<Error>(settled.error());
  if (*settled) {
    const auto& name = probing.config().name;
    on_settled(name, *uplink->second, **settled);
    note_times(name, *uplink->second);
    schedule_bursts();
    schedule_deadlines();
  }
  return {};
}

void PingService::show_status() {
  const auto probed = std::count_if(uplinks_.begin(), uplinks_.end(), [](const auto& item) {
    const auto& link = item.second->link;
    return link && std::any_of(kFamilies.begin(), kFamilies.end(),
                               [&](Family family) { return link->families.at(family).fact == LinkFact::ok; });
  });
  auto text =
      cat(ports_.store.is_ready() ? "" : "waiting for Redis; ", "probing ", probed, " of ", uplinks_.size(),
          " uplinks", listen_problem_.empty() ? "" : "; cannot probe: ", listen_problem_);
  if (text == status_) return;
  status_ = std::move(text);
  ports_.supervisor.status(status_);
}

}  // namespace multilink
