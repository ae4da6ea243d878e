// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// What the Store's contract is tried in: the fake on virtual time, or the adapter on a real Redis.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;

  virtual Scheduler& scheduler() = 0;
  virtual std::unique_ptr<Store> make_store() = 0;
  /// Lets time pass until `reached`, or for `most`; whether it was reached.
  virtual bool run_until(const std::function<bool()>& reached, Duration most) = 0;

  virtual Reply execute(const Store::Command& command) = 0;  ///< another client
  virtual void kill_server() = 0;                            ///< with its data
  virtual void start_server() = 0;
  virtual void freeze_server() = 0;
  virtual void thaw_server() = 0;

  bool run_until(const std::function<bool()>& reached) {
    return run_until(reached, std::chrono::seconds(20));
  }
};

std::unique_ptr<StoreWorld> make_fake_world();
std::unique_ptr<StoreWorld> make_real_world();

}  // namespace multilink
