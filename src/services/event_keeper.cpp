// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/event_keeper.hpp"

#include "multilink/services/status_replies.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

Store::Command EventKeeper::look() const {
  return {"XREVRANGE", keys_.events(), "+", "-", "COUNT", std::to_string(kEventsShown)};
}

void EventKeeper::take(const Reply& reply, MonoTime now) {
  const auto key = keys_.events();
  const auto* entries = std::get_if<Reply::Array>(&reply.value);
  if (entries == nullptr) {
    complaints_.refuse(key, as_fields(reply).error().message, now);
    delete_spoilt_keys(store_, {look()}, {reply});
    return;
  }
  Store::Command removal{"XDEL", key};
  for (const auto& entry : *entries) {
    const auto event = decode_event(entry);
    if (event) continue;
    complaints_.refuse(key, event.error().message, now);
    if (auto id = id_of_entry(entry)) removal.push_back(*std::move(id));
  }
  const auto bad = removal.size() - 2;
  if (bad == 0) return complaints_.accept(key);
  if (bad >= kEventsShown) removal = {"DEL", key};
  store_.run({std::move(removal)}, {});
}

}  // namespace multilink
