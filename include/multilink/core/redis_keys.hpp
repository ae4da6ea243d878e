// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// Every key and channel name of multilink, and the only place that spells them. docs/redis-schema.md gives
/// type, fields, units, the one writer, the readers and the time to live of each.
class RedisKeys {
 public:
  /// `site` is validated by the configuration (letters, digits, '-', '_', '.').
  explicit RedisKeys(std::string_view site);

  const std::string& site() const { return site_; }

  std::string uplinks() const;                                       ///< zset, healthd
  std::string link(std::string_view uplink) const;                   ///< hash, pingd
  std::string probes(std::string_view uplink) const;                 ///< zset, pingd
  std::string status(std::string_view uplink) const;                 ///< string TRUE|FALSE, healthd
  std::string status(std::string_view uplink, Family family) const;  ///< string TRUE|FALSE, healthd
  std::string health(std::string_view uplink) const;                 ///< hash, healthd
  std::string admin(std::string_view uplink) const;                  ///< hash, multilinkctl
  /// Packed string, healthd: the minutes of a UTC day, the hours of a UTC month.
  std::string history_minutes(std::string_view uplink, Family family, std::chrono::year_month_day day) const;
  std::string history_hours(std::string_view uplink, Family family, std::chrono::year_month month) const;
  std::string routing() const;                            ///< hash, routed
  std::string proxy(std::string_view uplink) const;       ///< hash with TTL, multilink-squid-helper
  std::string drill() const;                              ///< hash with TTL, multilinkctl
  std::string events() const;                             ///< stream, all
  std::string daemon(std::string_view daemon) const;      ///< hash with TTL, each daemon
  std::string notified(std::string_view receiver) const;  ///< string, notifyd

  std::string probe_channel() const;    ///< payload: uplink name; "its probes or link facts changed"
  std::string status_channel() const;   ///< payload: uplink name; "its health changed"
  std::string routing_channel() const;  ///< payload: empty; "routing changed"
  std::string admin_channel() const;    ///< payload: uplink name; "the administrator wants something"

 private:
  std::string site_;
  std::string prefix_;  ///< "multilink:<site>:"
};

}  // namespace multilink
