// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_hash.hpp"

#include <cstdint>
#include <type_traits>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// Feeds values as text, each behind its length, so that no two sequences of values read alike.
class Hasher {
 public:
  Hasher& operator<<(std::string_view text) {
    for (const char c : cat(text.size(), ':')) feed(c);
    for (const char c : text) feed(c);
    return *this;
  }
  Hasher& operator<<(const IpAddress& address) { return *this << address.to_string(); }
  Hasher& operator<<(double ratio) { return *this << format_decimal(ratio, 9); }
  Hasher& operator<<(Duration length) { return *this << cat(length.count()); }
  template <class Value>
  requires(std::is_enum_v<Value> || std::is_integral_v<Value>) Hasher& operator<<(Value value) {
    return *this << cat(static_cast<std::uint64_t>(value));
  }
  template <class Value>
  Hasher& operator<<(const std::optional<Value>& value) {
    *this << value.has_value();
    return value ? *this << *value : *this;
  }

  std::string digits() const {
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(state_ >> shift) & 0xf];
    return out;
  }

 private:
  void feed(char c) { state_ = (state_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3; }

  std::uint64_t state_ = 0xcbf29ce484222325;
};

// The bindings name every member: one that is added later does not compile until it is hashed.

void hash_suite(Hasher& hasher, const SuiteConfig& suite) {
  const auto& [redis, site, hash, mark_mask, history] = suite;
  const auto& [unix_path, host, port, database] = redis;
  hasher << unix_path << host << port << database << site << hash << mark_mask << history;
}

void hash_uplink(Hasher& hasher, const UplinkConfig& uplink) {
  const auto& [device, name, mac, gateways, weight, precedence, masquerade, metered, enabled, targets,
               probe_interval, loss_window, loss_down, loss_up, latency_down, jitter_down, up_after,
               evict_after, suspect_moves, failback, failback_udp_after] = uplink;
  hasher << device << name << mac << gateways.size();
  for (const auto& [family, gateway] : gateways) hasher << gateway;
  hasher << weight << precedence << masquerade << metered << enabled << targets.size();
  for (const auto& target : targets) hasher << target;
  hasher << probe_interval << loss_window << loss_down << loss_up << latency_down << jitter_down << up_after
         << evict_after << suspect_moves << failback << failback_udp_after;
}

}  // namespace

std::string config_hash(const Config& config) {
  const auto& [suite, uplinks] = config;
  Hasher hasher;
  hash_suite(hasher, suite);
  for (const auto& uplink : uplinks) hash_uplink(hasher, uplink);
  return hasher.digits();
}

}  // namespace multilink
