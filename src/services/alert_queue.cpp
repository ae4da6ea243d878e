// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/alert_queue.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/backoff.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {
namespace {

constexpr double kNoSpread = 1;  // one client: nobody to keep out of step with

/// "1730000000000-0": what Redis gives, and takes.
bool is_entry_id(std::string_view text) {
  const auto dash = text.find('-');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 20 &&
           std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  return dash != std::string_view::npos && digits(text.substr(0, dash)) && digits(text.substr(dash + 1));
}

}  // namespace

AlertQueue::AlertQueue(Scheduler& scheduler, Store& store, Log& log, const RedisKeys& keys, std::string name,
                       std::unique_ptr<Notifier> receiver)
    : scheduler_(scheduler),
      store_(store),
      log_(log),
      keys_(keys),
      name_(std::move(name)),
      receiver_(std::move(receiver)) {}

void AlertQueue::look() {
  if (!store_.is_ready() || is_reading_) return;
  if (!is_stored_) move_to(*position_);
  if (is_delivering_ || retry_) return;
  is_reading_ = true;
  position_ ? read_events() : read_position();
}

void AlertQueue::read_position() {
  store_.run({{"GET", keys_.notified(name_)}, {"XREVRANGE", keys_.events(), "+", "-", "COUNT", "1"}},
             [this, life = std::weak_ptr(life_)](const Result<std::vector<Reply>>& replies) {
               if (life.expired()) return;
               is_reading_ = false;
               if (replies) take_position(*replies);
             });
}

void AlertQueue::take_position(const std::vector<Reply>& replies) {
  const auto stored = as_string(replies[0]);
  if (stored && is_entry_id(*stored)) {
    position_ = *stored;
  } else {
    const auto* newest = std::get_if<Reply::Array>(&replies[1].value);
    const auto last = newest != nullptr && !newest->empty() ? id_of_entry(newest->front()) : fail("none");
    move_to(last && is_entry_id(*last) ? *last : "0-0");
  }
  look();
}

void AlertQueue::read_events() {
  store_.run({{"XRANGE", keys_.events(), cat('(', *position_), "+", "COUNT", cat(kAtOnce)}},
             [this, life = std::weak_ptr(life_)](const Result<std::vector<Reply>>& replies) {
               if (life.expired()) return;
               is_reading_ = false;
               if (replies) take_events(replies->front());
             });
}

void AlertQueue::take_events(const Reply& reply) {
  const auto* entries = std::get_if<Reply::Array>(&reply.value);
  if (entries == nullptr || entries->empty()) return;  // healthd keeps the stream fit to be read
  std::string passed;
  for (const auto& entry : *entries) {
    const auto id = id_of_entry(entry);
    if (!id || !is_entry_id(*id)) return;
    const auto event = decode_event(entry);
    if (event && is_wanted(*event)) {
      if (!passed.empty()) move_to(passed);
      return deliver(*id, *event);
    }
    passed = *id;
  }
  move_to(passed);
  look();
}

bool AlertQueue::is_wanted(const EventRecord& event) const {
  const auto subject = subject_of(event);
  return subject && std::ranges::find(on_, *subject) != on_.end() &&
         scheduler_.now().wall - event.at < kOldest;
}

void AlertQueue::deliver(const std::string& entry, const EventRecord& event) {
  is_delivering_ = true;
  receiver_->deliver(make_notification(keys_.site(), entry, event),
                     [this, life = std::weak_ptr(life_), entry, event](const Result<void>& outcome) {
                       if (life.expired()) return;
                       is_delivering_ = false;
                       on_delivered(entry, event, outcome);
                     });
}

void AlertQueue::on_delivered(const std::string& entry, const EventRecord& event,
                              const Result<void>& outcome) {
  if (outcome) {
    if (failures_ > 0) log_.info(cat("notify ", name_, ": takes alerts again"));
    failures_ = 0;
    move_to(entry);
    return look();
  }
  const Duration pause = backoff(failures_, kFirstPause, kMostPause, kNoSpread);
  if (failures_++ == 0) {
    log_.warning(cat("notify ", name_, ": ", outcome.error().message, "; the alert of ", format_utc(event.at),
                     " is tried again for a day"));
  }
  retry_ = scheduler_.after(pause, [this] {
    retry_.reset();
    look();
  });
}

void AlertQueue::move_to(const std::string& entry) {
  position_ = entry;
  is_stored_ = false;
  store_.run({{"SET", keys_.notified(name_), entry}},
             [this, life = std::weak_ptr(life_), entry](const Result<std::vector<Reply>>& replies) {
               if (!life.expired() && replies && position_ == entry) is_stored_ = true;
             });
}

}  // namespace multilink
