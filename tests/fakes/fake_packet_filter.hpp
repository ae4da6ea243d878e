// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "multilink/ports/packet_filter.hpp"
#include "multilink/ports/scheduler.hpp"

namespace multilink::fakes {

/// A PacketFilter that keeps its table in memory. Besides the port it offers what others may do to the table, and
/// failures at will.
class FakePacketFilter final : public PacketFilter {
 public:
  /// `scheduler` outlives this.
  explicit FakePacketFilter(Scheduler& scheduler) : scheduler_(scheduler) {}

  Result<void> replace(const PacketFilterTable& table) override;
  Result<bool> is_in_force() override;
  Result<bool> exists() override { return table_.has_value(); }
  Result<bool> remove() override;
  Result<std::size_t> reset(const std::vector<TcpTuple>& tuples) override;
  Result<void> reset_orphans(Family family, Duration length) override;
  Result<void> drill(const std::string& device, Duration length) override;
  Result<void> end_drill(const std::string& device) override;
  void watch(std::function<void()> on_change) override;

  bool is_drilled(const std::string& device) const;  ///< now
  bool resets_orphans(Family family) const;          ///< now

  /// What the kernel has; none: no table.
  const std::optional<PacketFilterTable>& table() const { return table_; }
  unsigned replaced() const { return replaced_; }  ///< how often replace() has succeeded
  /// The tuples whose packets are reset at present.
  std::size_t resets();
  bool is_reset(const TcpTuple& tuple);

  void lose_table();  ///< somebody loads his ruleset anew
  void spoil();       ///< somebody changes something in the table
  void lose_notifications();
  std::function<void()> on_replace = [] {};  ///< called before replace() does anything
  /// The next `times` calls that change something fail with this errno and change nothing.
  void fail_next(int code, unsigned times = 1);

 private:
  Result<void> attempt();
  void forget_old();
  void tell();

  Scheduler& scheduler_;
  std::function<void()> on_change_;
  bool told_ = false;  ///< a call of on_change_ is on its way
  std::optional<PacketFilterTable> table_;
  bool spoilt_ = true;                   ///< by others, or never ours
  std::map<TcpTuple, MonoTime> resets_;  ///< and when each ends
  std::map<std::string, MonoTime> drills_;
  std::map<Family, MonoTime> orphans_;  ///< and when each ends
  unsigned replaced_ = 0;
  int error_ = 0;
  unsigned failing_ = 0;
};

}  // namespace multilink::fakes
