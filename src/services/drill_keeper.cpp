// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/drill_keeper.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/quantity.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kOn = "drilled";
constexpr std::string_view kOff = "in use";

}  // namespace

DrillKeeper::DrillKeeper(Scheduler& scheduler, Store& store, Log& log, PacketFilter& filter, RedisKeys keys,
                         std::string boot, Calls calls)
    : scheduler_(scheduler),
      store_(store),
      log_(log),
      filter_(filter),
      keys_(std::move(keys)),
      boot_(std::move(boot)),
      calls_(std::move(calls)),
      complaints_(log) {}

void DrillKeeper::start() {
  begun_ = scheduler_.now().mono;
  sweep();
}

void DrillKeeper::on_ready() {
  reading_ = false;
  read();
}

void DrillKeeper::on_hint() {
  read();
}

void DrillKeeper::sweep() {
  sweep_timer_ = scheduler_.after(kSweep, [this] { sweep(); });
  read();
}

void DrillKeeper::read() {
  if (!store_.is_ready()) return;
  if (std::exchange(reading_, true)) {
    again_ = true;
    return;
  }
  store_.run({{"HGETALL", keys_.drill()}}, [this](const Result<std::vector<Reply>>& replies) {
    reading_ = false;
    if (replies) take(replies->front());
    if (std::exchange(again_, false)) read();
  });
}

void DrillKeeper::take(const Reply& reply) {
  const auto fields = as_fields(reply);
  if (fields && fields->empty()) {
    if (running_) finish("it was taken back before its time");
    return;
  }
  const auto asked = fields.and_then([](const Fields& all) { return DrillRecord::decode(all); });
  if (!asked) return complaints_.refuse(keys_.drill(), asked.error().message, scheduler_.now().mono);
  complaints_.accept(keys_.drill());
  if (std::exchange(answered_, asked->id) != asked->id) answer(*asked);
}

bool DrillKeeper::is_of_earlier_run(const DrillRecord& asked) const {
  return asked.boot == boot_ && asked.asked < begun_;
}

void DrillKeeper::answer(const DrillRecord& asked) {
  const Now now = scheduler_.now();
  if (is_of_earlier_run(asked)) {
    if (now.mono < asked.end()) run_until_end(asked, device_of(asked.uplink), now);
    return;
  }
  const auto running = running_ ? std::optional(running_->asked.uplink) : std::nullopt;
  if (const auto refusal = why_no_drill(asked, uplinks_, running, boot_, now.mono)) {
    log_.warning(cat("the drill of ", printable(asked.uplink), " is refused: ", *refusal));
    return tell(asked, "", "refused", *refusal);
  }
  begin(asked, now);
}

void DrillKeeper::begin(const DrillRecord& asked, const Now& now) {
  const auto device = device_of(asked.uplink);
  // The kernel counts in whole milliseconds: rather one too few.
  const auto left = std::chrono::floor<std::chrono::milliseconds>(asked.end() - now.mono);
  if (const auto done = filter_.drill(device, left); !done) {
    log_.error(cat("the drill of ", asked.uplink, " cannot be put in force: ", done.error().message));
    return tell(asked, "", "refused", cat("it cannot be put in force: ", done.error().message));
  }
  const auto words = cat("a drill of ", format_duration(asked.length),
                         asked.by.empty() ? "" : cat(", by ", asked.by), " with multilinkctl");
  log_.warning(cat(asked.uplink, ": ", words, ": nothing goes by it"));
  run_until_end(asked, device, now);
  tell(asked, std::string(kOff), std::string(kOn), words);
}

void DrillKeeper::run_until_end(const DrillRecord& asked, const std::string& device, const Now& now) {
  const Duration left = asked.end() - now.mono;
  running_ = Running{asked, device, now.wall + std::chrono::duration_cast<std::chrono::milliseconds>(left)};
  end_timer_ = scheduler_.after(left, [this] { finish(std::string(kDrillLasted)); });
  calls_.on_change();
}

void DrillKeeper::finish(std::string reason) {
  const auto running = *std::exchange(running_, std::nullopt);
  end_timer_.reset();
  calls_.on_change();
  if (!running.device.empty()) {
    if (const auto done = filter_.end_drill(running.device); !done)
      log_.error(cat("the drill of ", running.asked.uplink,
                     " ends by the kernel's own clock: ", done.error().message));
  }
  log_.info(cat("the drill of ", running.asked.uplink, " has ended: ", reason));
  tell(running.asked, std::string(kOn), std::string(kOff), std::move(reason));
}

void DrillKeeper::tell(const DrillRecord& asked, std::string from, std::string to, std::string reason) {
  EventRecord event;
  event.id = asked.id;
  event.at = scheduler_.now().wall;
  event.source = "routed";
  event.kind = "drill";
  event.uplink = asked.uplink;
  event.from = std::move(from);
  event.to = std::move(to);
  event.reason = std::move(reason);
  calls_.on_event(std::move(event));
}

std::string DrillKeeper::device_of(const std::string& uplink) const {
  const auto found =
      std::ranges::find_if(uplinks_, [&](const DrillUplink& each) { return each.name == uplink; });
  return found == uplinks_.end() ? "" : found->device;
}

}  // namespace multilink
