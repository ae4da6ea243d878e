// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "multilink/ports/prober.hpp"
#include "multilink/ports/scheduler.hpp"

namespace multilink {

/// What the Prober's contract is tried in: the fake on virtual time, or the adapter in the namespaces of
/// ProberNetwork, which says what the links lead to.
class ProberWorld {
 public:
  virtual ~ProberWorld() = default;

  virtual Scheduler& scheduler() = 0;
  virtual Prober& prober() = 0;
  /// Lets time pass until `reached`, or for long; whether it was reached.
  virtual bool run_until(const std::function<bool()>& reached) = 0;

  virtual unsigned link(unsigned number) const = 0;  ///< 0 or 1
  virtual unsigned absent_link() const = 0;          ///< an index that no device has
  virtual void silence(unsigned number) = 0;
  virtual void inject(unsigned number, Family family, const std::vector<std::uint8_t>& message) = 0;
};

std::unique_ptr<ProberWorld> make_fake_prober_world();
std::unique_ptr<ProberWorld> make_real_prober_world();

}  // namespace multilink
