// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <utility>

#include "multilink/ports/leases.hpp"
#include "multilink/ports/scheduler.hpp"

namespace multilink::fakes {

/// Leases that a test sets.
class FakeLeases final : public Leases {
 public:
  explicit FakeLeases(Scheduler& scheduler) : scheduler_(scheduler) {}

  std::vector<DhcpLease> read() override { return leases_; }
  void watch(std::function<void()> on_change) override { on_change_ = std::move(on_change); }

  void set(std::vector<DhcpLease> leases) {
    leases_ = std::move(leases);
    if (std::exchange(posted_, true)) return;
    scheduler_.post([this] {
      posted_ = false;
      if (on_change_) on_change_();
    });
  }

 private:
  Scheduler& scheduler_;
  std::vector<DhcpLease> leases_;
  std::function<void()> on_change_;
  bool posted_ = false;
};

}  // namespace multilink::fakes
