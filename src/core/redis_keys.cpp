// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/redis_keys.hpp"

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

RedisKeys::RedisKeys(std::string_view site) : site_(site), prefix_(cat("multilink:", site, ':')) {}

std::string RedisKeys::uplinks() const {
  return cat(prefix_, "uplinks");
}

std::string RedisKeys::link(std::string_view uplink) const {
  return cat(prefix_, "uplink:", uplink, ":link");
}

std::string RedisKeys::probes(std::string_view uplink) const {
  return cat(prefix_, "uplink:", uplink, ":probes");
}

std::string RedisKeys::status(std::string_view uplink) const {
  return cat(prefix_, "uplink:", uplink, ":status");
}

std::string RedisKeys::status(std::string_view uplink, Family family) const {
  return cat(status(uplink), ':', to_string(family));
}

std::string RedisKeys::health(std::string_view uplink) const {
  return cat(prefix_, "uplink:", uplink, ":health");
}

std::string RedisKeys::admin(std::string_view uplink) const {
  return cat(prefix_, "uplink:", uplink, ":admin");
}

std::string RedisKeys::history_minutes(std::string_view uplink, Family family,
                                       std::chrono::year_month_day day) const {
  return cat(prefix_, "uplink:", uplink, ":history:", to_string(family), ':', format_day(day));
}

std::string RedisKeys::history_hours(std::string_view uplink, Family family,
                                     std::chrono::year_month month) const {
  return cat(prefix_, "uplink:", uplink, ":history:", to_string(family), ":hours:", format_month(month));
}

std::string RedisKeys::routing() const {
  return cat(prefix_, "routing");
}

std::string RedisKeys::proxy(std::string_view uplink) const {
  return cat(prefix_, "proxy:", uplink);
}

std::string RedisKeys::drill() const {
  return cat(prefix_, "drill");
}

std::string RedisKeys::events() const {
  return cat(prefix_, "events");
}

std::string RedisKeys::daemon(std::string_view daemon) const {
  return cat(prefix_, "daemon:", daemon);
}

std::string RedisKeys::notified(std::string_view receiver) const {
  return cat(prefix_, "notified:", receiver);
}

std::string RedisKeys::probe_channel() const {
  return cat(prefix_, "probe");
}

std::string RedisKeys::status_channel() const {
  return cat(prefix_, "status");
}

std::string RedisKeys::routing_channel() const {
  return cat(prefix_, "routing");
}

std::string RedisKeys::admin_channel() const {
  return cat(prefix_, "admin");
}

}  // namespace multilink
