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
  schedule();
}

void TrafficWatch::read_due() {
  const MonoTime now = scheduler_.now().mono;
  for (auto& [name, link] : links_) {
    const auto next = link.rhythm.next_reading(now);
    if (next && *next <= now + kTogether) read(name, link);
  }
  schedule();
}

void TrafficWatch::schedule() {
  const MonoTime now = scheduler_.now().mono;
  std::optional<MonoTime> first;
  for (const auto& [name, link] : links_) {
    const auto next = link.rhythm.next_reading(now);
    if (next && (!first || *next < *first)) first = next;
  }
  timer_ = first ? scheduler_.after(*first - now, [this] { read_due(); }) : nullptr;
}

void TrafficWatch::read(const std::string& name, Link& link) {
  const auto count = counters_.read(link.index);
  if (!count) return link.rhythm.begin_anew();
  if (!link.rhythm.on_reading(*count, scheduler_.now().mono)) return;
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
