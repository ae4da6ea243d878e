// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/event_follower.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "multilink/core/text.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {
namespace {

using EntryNumber = std::pair<std::uint64_t, std::uint64_t>;

/// "1730000000000-0", in the order of the stream.
std::optional<EntryNumber> number_of(std::string_view id) {
  const auto dash = id.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto time = parse_number<std::uint64_t>(id.substr(0, dash));
  const auto sequence = parse_number<std::uint64_t>(id.substr(dash + 1));
  if (!time || !sequence) return std::nullopt;
  return EntryNumber(*time, *sequence);
}

/// The id of the first of the entries; empty: there is none.
std::string first_id(const Reply& reply) {
  const auto* entries = std::get_if<Reply::Array>(&reply.value);
  if (entries == nullptr || entries->empty()) return {};
  const auto id = id_of_entry(entries->front());
  return id && number_of(*id) ? *id : std::string();
}

std::vector<EventRecord> events_in(const Reply& reply) {
  std::vector<EventRecord> out;
  const auto* entries = std::get_if<Reply::Array>(&reply.value);
  if (entries == nullptr) return out;
  for (const auto& entry : *entries) {
    if (auto event = decode_event(entry)) out.push_back(*std::move(event));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

EventFollower::EventFollower(Scheduler& scheduler, Store& store, const std::string& site, unsigned count,
                             Listener listener)
    : scheduler_(scheduler),
      store_(store),
      key_(RedisKeys(site).events()),
      count_(count),
      listener_(std::move(listener)) {}

void EventFollower::start() {
  store_.start({}, {[this] {
                      is_reading_ = false;
                      listener_.on_ready();
                      look();
                    },
                    [this](const Error& error) {
                      is_reading_ = false;
                      listener_.on_lost(error);
                    },
                    [](std::string_view, std::string_view) {}});
  sweep();
}

void EventFollower::sweep() {
  timer_ = scheduler_.after(kSweep, [this] {
    sweep();
    look();
  });
}

void EventFollower::look() {
  if (!store_.is_ready() || is_reading_) return;
  is_reading_ = true;
  // Newest first, so that the oldest of a flood are those that are left out.
  const auto from = position_ ? cat('(', *position_) : std::string("-");
  const auto most = position_ ? kAtOnce : std::max(count_, 1U);
  store_.run(
      {{"XREVRANGE", key_, "+", "-", "COUNT", "1"}, {"XREVRANGE", key_, "+", from, "COUNT", cat(most)}},
      [this](const Result<std::vector<Reply>>& replies) {
        is_reading_ = false;
        if (replies) take(*replies);
      });
}

void EventFollower::take(const std::vector<Reply>& replies) {
  const auto newest = first_id(replies[0]);
  const auto last = first_id(replies[1]);
  const bool is_first = !position_;
  if (!last.empty()) {
    position_ = last;
  } else if (is_first) {
    position_ = newest.empty() ? "0-0" : newest;
  } else if (!newest.empty() && number_of(newest) < number_of(*position_)) {
    position_ = newest;  // Redis has lost its data, or the clock was set back
  }
  const auto events = events_in(replies[1]);
  if (!events.empty() && !(is_first && count_ == 0)) listener_.on_events(events);
}

}  // namespace multilink
