// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// May traffic use the uplink: some family is up.
bool is_up(const HealthRecord& record);

/// What healthd publishes of one uplink: the keys `status`, `status:4`, `status:6` and `health`. Knows what
/// Redis holds of it, as read or written last, so that only differences are written.
class PublishedHealth {
 public:
  PublishedHealth(const RedisKeys& keys, const std::string& uplink);

  /// The commands whose replies found() takes.
  static constexpr std::size_t kReads = 4;
  void append_reads(std::vector<Store::Command>& commands) const;
  /// What Redis holds. True if that is not what was written or read last.
  bool found(std::span<const Reply> replies);
  /// The record that Redis holds, if any; an Error when it is refused.
  Result<std::optional<HealthRecord>> stored() const;
  /// A write may have failed: nothing is known of what Redis holds.
  void forget();

  /// A record as Redis is to hold it.
  struct Wanted {
    std::array<std::string, 3> statuses;  ///< of the uplink, of IPv4, of IPv6
    Fields health;                        ///< as if written last time: append_writes() tells the time anew
  };
  Wanted encode(const HealthRecord& record) const;
  /// How Redis differs from it: figures change with the probes, all else is news to its readers.
  enum class Change : std::uint8_t { none, figures, news };
  Change compare(const Wanted& wanted) const;
  /// Appends what makes Redis hold it, and takes it for written now.
  void append_writes(Wanted wanted, MonoTime now, std::vector<Store::Command>& commands);
  /// Takes the keys away.
  void append_deletes(std::vector<Store::Command>& commands) const;

 private:
  struct Status {
    std::string key;
    std::optional<std::string> value;  ///< none: no such key, or not known
  };

  std::array<Status, 3> statuses_;  // as in Wanted
  std::string health_key_;
  std::string written_;           // when by us last, as the record has it; empty: never
  std::optional<Fields> health_;  // none: not a hash, or not known; empty: no such key
};

}  // namespace multilink
