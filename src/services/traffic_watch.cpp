// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/traffic_watch.hpp"

#include <utility>

namespace multilink {

TrafficWatch::TrafficWatch(Scheduler& scheduler, TrafficCounters& counters,
                           std::function<void(const std::string&)> on_silence)
    : scheduler_(scheduler), counters_(counters), on_silence_(std::move(on_silence)) {}

void TrafficWatch::set_links(const std::map<std::string, unsigned>& links) {
  std::erase_if(links_, [&](const auto& item) {
    const auto still = links.find(item.first);
    return still == links.end() || still->second != item.second.index;
  });
  for (const auto& [name, index] : links) links_[name].index = index;
}

void TrafficWatch::look() {
  for (auto& [name, link] : links_) read(name, link);
  if (!timer_) watch_busy();
}

void TrafficWatch::watch_busy() {
  timer_.reset();
  const MonoTime now = scheduler_.now().mono;
  bool any = false;
  for (auto& [name, link] : links_) {
    if (!link.rhythm.is_busy(now)) continue;
    any = true;
    read(name, link);
  }
  if (any) timer_ = scheduler_.after(kPause, [this] { watch_busy(); });
}

void TrafficWatch::read(const std::string& name, Link& link) {
  const auto count = counters_.read(link.index);
  if (!count || !link.rhythm.on_reading(*count, scheduler_.now().mono)) return;
  link.is_asked = true;
  on_silence_(name);
}

void TrafficWatch::on_answer(const std::string& uplink, bool was_dead) {
  const auto found = links_.find(uplink);
  if (found == links_.end() || !std::exchange(found->second.is_asked, false)) return;
  if (was_dead) {
    found->second.rhythm.on_true_trigger();
  } else {
    found->second.rhythm.on_false_trigger(scheduler_.now().mono);
  }
}

}  // namespace multilink
