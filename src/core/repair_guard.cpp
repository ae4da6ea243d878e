// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/repair_guard.hpp"

#include <variant>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr Duration kWindow = std::chrono::seconds(1);

}  // namespace

std::optional<RepairGuard::Refusal> RepairGuard::ask(const std::vector<RouteOperation>& operations,
                                                     bool moves_back, const KernelState& state,
                                                     MonoTime now) {
  if (must_yield(operations, now)) {
    Refusal refusal{yields_until_ - now, {}};
    if (log_.admit(now)) {
      refusal.warning = cat("another program deletes again and again what '",
                            to_string(operations.front(), state), "' adds; it is left away for a second");
    }
    return refusal;
  }
  if (now - repairs_since_ >= kWindow) {
    repairs_since_ = now;
    repairs_ = moves_back_ = 0;
  }
  ++repairs_;
  if (moves_back) ++moves_back_;
  if (repairs_ <= kMostRepairs && moves_back_ <= kMostMovesBack) return std::nullopt;
  Refusal refusal{repairs_since_ + kWindow - now, {}};
  if (log_.admit(now)) {
    refusal.warning = cat("another program keeps changing multilink's routes or rules; they are put back ",
                          kMostRepairs, " times a second and no more, a default that was led elsewhere ",
                          kMostMovesBack, " times; 'ip monitor route rule' shows what it does");
  }
  return refusal;
}

/// Whether these are rules, and nothing else, that are to be left away for now.
bool RepairGuard::must_yield(const std::vector<RouteOperation>& operations, MonoTime now) {
  if (now - rules_since_ >= kYield && now >= yields_until_) {
    rules_since_ = now;
    put_back_.clear();
  }
  bool often = true;
  for (const auto& operation : operations) {
    const auto* added = std::get_if<AddRule>(&operation);
    often = often && added != nullptr && put_back_[added->rule] >= kMostAlike;
  }
  if (often) {
    if (now >= yields_until_) yields_until_ = now + kYield;
    return true;
  }
  for (const auto& operation : operations) {
    if (const auto* added = std::get_if<AddRule>(&operation)) ++put_back_[added->rule];
  }
  return false;
}

}  // namespace multilink
